/** A call that must be agreed to: the question, the call as it will be made, and the seconds that are left. */

import {StyleSheet, View} from 'react-native';
import {useSafeAreaInsets} from 'react-native-safe-area-context';
import type {Question} from '../model/conversation.ts';
import {argumentsText, shownLine, shownText} from '../model/shown-text.ts';
import {useAppState, useNow, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Button, Words} from '../ui/parts.tsx';
import {secondsUntil} from './TroubleCard.tsx';

export function QuestionSheet() {
  const {talk} = useAppState();
  const {conversation, connection} = useTalkState();
  const isAsked = conversation.turns.some(({question}) => question !== undefined);
  const now = useNow(isAsked);
  const question = talk.question(now);
  if (question === undefined || connection.phase !== 'open') return null;
  return <Sheet key={question.callId} question={question} now={now} />;
}

function Sheet({question: {callId, say, server, tool, given, startedAt, expiresAt}, now}: {question: Question; now: number}) {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {talk} = useAppState();
  const {bottom} = useSafeAreaInsets();
  const left = Math.max(0, Math.min(1, (expiresAt - now) / Math.max(1, expiresAt - startedAt)));
  const said = argumentsText(given);
  return (
    <View
      style={[styles.shade, {backgroundColor: colours.shade}]}
      role="dialog"
      aria-label={texts.states.asking}
      accessibilityViewIsModal
      aria-modal>
      <View style={[styles.sheet, {backgroundColor: colours.raised, paddingBottom: 20 + bottom}]}>
        <Words role="alert" size={20} isBold>
          {shownText(say)}
        </Words>
        <View style={[styles.call, {borderColor: colours.accent}]}>
          <Words size={15}>
            <Words size={15} style={styles.name}>
              {shownLine(tool)}
            </Words>
            <Words size={15} tone="quiet">{` ${shownLine(server)}`}</Words>
          </Words>
          {said !== '' && (
            <Words size={15} tone="quiet">
              {said}
            </Words>
          )}
        </View>
        <View style={styles.acts}>
          <View style={styles.grow}>
            <Button label={texts.no} onPress={() => talk.confirm(callId, false)} />
          </View>
          <View style={styles.grow}>
            <Button label={texts.yes} isMain onPress={() => talk.confirm(callId, true)} />
          </View>
        </View>
        <View style={styles.time}>
          <View style={[styles.track, {backgroundColor: colours.line}]}>
            <View style={{width: `${100 * left}%`, height: '100%', backgroundColor: colours.accent}} />
          </View>
          <Words size={14} tone="quiet" aria-live="off">
            {texts.secondsLeft(secondsUntil(expiresAt, now))}
          </Words>
        </View>
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  shade: {position: 'absolute', inset: 0, justifyContent: 'flex-end'},
  sheet: {padding: 20, gap: 16, borderTopLeftRadius: 20, borderTopRightRadius: 20},
  call: {paddingLeft: 12, borderLeftWidth: 3, gap: 2},
  name: {fontFamily: 'monospace', fontWeight: '600'},
  acts: {flexDirection: 'row', gap: 12},
  grow: {flex: 1},
  time: {flexDirection: 'row', alignItems: 'center', gap: 12},
  track: {flex: 1, height: 6, borderRadius: 3, overflow: 'hidden'},
});
