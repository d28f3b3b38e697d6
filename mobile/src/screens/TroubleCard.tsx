/** What is in the way, in words, and the one thing that the user can do about it. */

import {StyleSheet, View} from 'react-native';
import {shownLine} from '../model/shown-text.ts';
import type {Trouble} from '../model/trouble.ts';
import {useAppState, useNow, useSurroundings} from '../ui/context.tsx';
import {Button, Card, Words} from '../ui/parts.tsx';

export const secondsUntil = (time: number, now: number): number => Math.max(0, Math.ceil((time - now) / 1_000));

export function TroubleCard({trouble: {kind, reason, retryAt, action}}: {trouble: Trouble}) {
  const {app, texts, open} = useSurroundings();
  const {talk} = useAppState();
  const now = useNow(retryAt !== undefined);
  const [title = '', help = ''] = texts.troubles[kind];
  const act = () => {
    if (action === 'open_server') open('server');
    else if (action === 'open_phone_settings') app.phone.openSettings();
    else talk.connect();
  };
  return (
    <Card isWarning>
      <View style={styles.inside}>
        <View role="alert" style={styles.words}>
          <Words isBold tone="warnInk">
            {title}
          </Words>
          <Words size={15} tone="warnInk">
            {help}
          </Words>
        </View>
        {reason !== undefined && <Words size={13} tone="warnInk" numberOfLines={3}>{`(${shownLine(reason)})`}</Words>}
        {(retryAt !== undefined || action !== undefined) && (
          <View style={styles.acts}>
            {action !== undefined && <Button label={texts.actions[action]} onPress={act} />}
            {retryAt !== undefined && (
              <Words size={15} tone="warnInk" aria-live="off" style={styles.grow}>
                {texts.nextTry(secondsUntil(retryAt, now))}
              </Words>
            )}
          </View>
        )}
      </View>
    </Card>
  );
}

const styles = StyleSheet.create({
  inside: {gap: 8, paddingVertical: 10},
  words: {gap: 4},
  acts: {flexDirection: 'row', flexWrap: 'wrap', alignItems: 'center', gap: 12},
  grow: {flexShrink: 1},
});
