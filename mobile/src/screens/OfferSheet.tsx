/** A pairing link was opened or scanned: whether to talk to that server from now on. A link may come from anywhere. */

import {StyleSheet, View} from 'react-native';
import {useSafeAreaInsets} from 'react-native-safe-area-context';
import {shownLine} from '../model/shown-text.ts';
import {useAppState, useSurroundings} from '../ui/context.tsx';
import {Button, Words} from '../ui/parts.tsx';

export function OfferSheet() {
  const {
    app,
    texts,
    theme: {colours},
  } = useSurroundings();
  const {offered} = useAppState();
  const {bottom} = useSafeAreaInsets();
  if (offered === undefined) return null;
  return (
    <View
      style={[styles.shade, {backgroundColor: colours.shade}]}
      role="dialog"
      aria-label={texts.offerTitle}
      accessibilityViewIsModal
      aria-modal>
      <View style={[styles.sheet, {backgroundColor: colours.raised, paddingBottom: 20 + bottom}]}>
        <Words role="alert" size={20} isBold>
          {texts.offerTitle}
        </Words>
        <Words style={styles.address}>{shownLine(offered.url)}</Words>
        <Words tone="quiet">{texts.offerHelp}</Words>
        <View style={styles.acts}>
          <View style={styles.grow}>
            <Button label={texts.cancel} onPress={() => void app.answerOffer(false)} />
          </View>
          <View style={styles.grow}>
            <Button label={texts.pair} isMain onPress={() => void app.answerOffer(true)} />
          </View>
        </View>
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  shade: {position: 'absolute', inset: 0, justifyContent: 'flex-end'},
  sheet: {padding: 20, gap: 14, borderTopLeftRadius: 20, borderTopRightRadius: 20},
  address: {fontFamily: 'monospace'},
  acts: {flexDirection: 'row', gap: 12},
  grow: {flex: 1},
});
