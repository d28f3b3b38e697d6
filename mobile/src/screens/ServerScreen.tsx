/** Server: pair with one by a code, or enter its address and key, and test the way to it. */

import {useState} from 'react';
import {ScrollView, StyleSheet, View} from 'react-native';
import {AddressError, type AddressProblem} from '../model/server-address.ts';
import {useAppState, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Button, Card, Field, Title, Words} from '../ui/parts.tsx';
import {Findings} from './Findings.tsx';
import {Scanner} from './Scanner.tsx';

function AddressForm() {
  const {app, texts} = useSurroundings();
  const {server} = useAppState();
  const [address, setAddress] = useState(server?.url ?? '');
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<AddressProblem>();
  const save = async () => {
    try {
      const isSame = address.trim() === server?.url;
      await app.enter(address, key === '' && isSame ? (server.key ?? '') : key);
      setKey('');
      setProblem(undefined);
      void app.test();
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      setProblem(error.problem);
    }
  };
  return (
    <View style={styles.form}>
      <Field
        label={texts.address}
        placeholder={texts.addressHint}
        value={address}
        onChangeText={setAddress}
        inputMode="url"
        autoComplete="off"
        problem={problem === undefined ? undefined : texts.addressProblems[problem]}
      />
      <Field label={texts.key} placeholder={texts.keyHint} value={key} onChangeText={setKey} secureTextEntry autoComplete="off" />
      {server?.key !== undefined && (
        <Words size={14} tone="quiet">
          {texts.keyKept}
        </Words>
      )}
      <Button label={texts.save} isMain onPress={() => void save()} />
    </View>
  );
}

function Fingerprint({value}: {value: string}) {
  const {texts} = useSurroundings();
  const pairs =
    value
      .toUpperCase()
      .replaceAll(/[^0-9A-F]/g, '')
      .slice(-64)
      .match(/.{1,4}/g) ?? [];
  return (
    <Card>
      <View style={styles.inside}>
        <Words size={15} tone="quiet">
          {texts.fingerprint}
        </Words>
        <Words size={14} selectable style={styles.digits}>
          {pairs.join(' ')}
        </Words>
        <Words size={14} tone="quiet">
          {texts.fingerprintHelp}
        </Words>
      </View>
    </Card>
  );
}

export function ServerScreen() {
  const {app, texts} = useSurroundings();
  const {server, isProbing, isKept, findings} = useAppState();
  const {server: info, connection} = useTalkState();
  const [isScanning, setScanning] = useState(false);
  const take = (code: string) => {
    const isTaken = app.offer(code);
    if (isTaken) setScanning(false);
    return isTaken;
  };
  return (
    <ScrollView contentContainerStyle={styles.screen} keyboardShouldPersistTaps="handled">
      <Title>{texts.server}</Title>
      <Words tone="quiet">{texts.serverIntro}</Words>
      {isScanning ? (
        <Scanner onCode={take} onClose={() => setScanning(false)} />
      ) : (
        <Button label={texts.scan} icon="code" isMain={server === undefined} onPress={() => setScanning(true)} />
      )}
      <AddressForm key={server?.url ?? ''} />
      {!isKept && (
        <Words role="alert" tone="bad">
          {texts.notKept}
        </Words>
      )}
      {server !== undefined && (
        <View style={styles.form}>
          <Button label={isProbing ? texts.testing : texts.test} isDisabled={isProbing} onPress={() => void app.test()} />
          <Findings />
          {server.fingerprint !== undefined && <Fingerprint value={server.fingerprint} />}
          {info !== undefined && connection.phase === 'open' && findings.length === 0 && (
            <Words size={14} tone="quiet">
              {texts.version(info.version)}
            </Words>
          )}
        </View>
      )}
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  screen: {padding: 16, paddingBottom: 32, gap: 14},
  form: {gap: 12},
  inside: {paddingVertical: 10, gap: 6},
  digits: {fontFamily: 'monospace'},
});
