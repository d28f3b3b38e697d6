/** The camera, until it has seen a pairing code; it is on only while this is on the screen. */

import {CameraView, useCameraPermissions} from 'expo-camera';
import {useEffect, useState} from 'react';
import {StyleSheet, View} from 'react-native';
import {useSurroundings} from '../ui/context.tsx';
import {Button, Words} from '../ui/parts.tsx';

/** `onCode` returns whether the code was a pairing code. */
export function Scanner({onCode, onClose}: {onCode: (code: string) => boolean; onClose: () => void}) {
  const {app, texts} = useSurroundings();
  const [permission, ask] = useCameraPermissions();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (permission !== null && !permission.granted && permission.canAskAgain) void ask();
  }, [permission, ask]);
  const isDenied = permission !== null && !permission.granted && !permission.canAskAgain;
  const scanned = ({data}: {data: string}) => {
    if (!onCode(data)) setProblem(texts.scanWrong);
  };
  return (
    <View style={styles.scanner}>
      {permission?.granted === true && (
        <CameraView
          style={styles.camera}
          facing="back"
          barcodeScannerSettings={{barcodeTypes: ['qr']}}
          onBarcodeScanned={scanned}
          onMountError={() => setProblem(texts.scanUnavailable)}
        />
      )}
      <Words role={problem === undefined && !isDenied ? 'none' : 'alert'} tone={problem === undefined && !isDenied ? 'quiet' : 'bad'}>
        {isDenied ? texts.scanDenied : (problem ?? texts.scanHint)}
      </Words>
      {isDenied && <Button label={texts.actions.open_phone_settings} onPress={() => app.phone.openSettings()} />}
      <Button label={texts.cancel} onPress={onClose} />
    </View>
  );
}

const styles = StyleSheet.create({
  scanner: {gap: 12},
  camera: {width: '100%', aspectRatio: 1, borderRadius: 14, overflow: 'hidden'},
});
