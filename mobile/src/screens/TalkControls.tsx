/** What happens now, and what the user can do about it: the state, the level, the big button and the field. */

import {useState} from 'react';
import {Pressable, StyleSheet, TextInput, View} from 'react-native';
import type {Activity} from '../model/activity.ts';
import type {Conversation} from '../model/conversation.ts';
import {shownLine} from '../model/shown-text.ts';
import type {Texts} from '../texts/index.ts';
import {useAppState, useNow, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Icon} from '../ui/Icon.tsx';
import {Button, Words} from '../ui/parts.tsx';
import {TOUCH} from '../ui/theme.ts';
import {Waveform} from '../ui/Waveform.tsx';

const STOPPABLE: ReadonlySet<Activity> = new Set(['thinking', 'acting', 'speaking']);
const MAX_TYPED = 2_000;

export function noticeText({notice, degraded}: Conversation, texts: Texts): string {
  const named = (what: string) => (texts.parts as Readonly<Record<string, string>>)[what] ?? what.replace('tools.', '');
  const [lost] = Object.entries(degraded);
  if (notice === undefined) return lost === undefined ? '' : shownLine(texts.degraded(named(lost[0]), lost[1]));
  if (notice.kind === 'recovered') return shownLine(texts.recovered(named(notice.reason)));
  // what is discarded on purpose is no news
  if (notice.kind === 'no_speech') return (texts.noSpeech as Readonly<Record<string, string>>)[notice.reason] ?? '';
  if (notice.kind === 'error') return shownLine(notice.reason);
  return {overrun: texts.overrun, not_sent: texts.notSent, resumed: texts.resumed}[notice.kind];
}

function StateLine() {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {talk} = useAppState();
  const {conversation} = useTalkState();
  const now = useNow(
    conversation.turns.some(({question}) => question !== undefined),
    1_000,
  );
  const activity = talk.activity(now);
  const isLive = activity === 'listening' || activity === 'hearing';
  const dot = isLive ? colours.live : activity === 'offline' ? colours.quiet : colours.accent;
  const isTapped = activity === 'speaking' && talk.isHalfDuplex;
  return (
    <View style={styles.now}>
      <View style={[styles.dot, {backgroundColor: dot}]} />
      <Words testID="state" aria-live="polite" isBold style={styles.grow}>
        {texts.states[activity]}
      </Words>
      {STOPPABLE.has(activity) && (
        <Button isSmall icon="stop" label={isTapped ? texts.tapToInterrupt : texts.stop} onPress={() => talk.interrupt()} />
      )}
    </View>
  );
}

function Hint() {
  const {texts} = useSurroundings();
  const {talk, preferences} = useAppState();
  const {conversation, microphone} = useTalkState();
  const free = talk.isHalfDuplex ? texts.halfHint : texts.freeHint;
  const usual = preferences.mode === 'push_to_talk' ? texts.holdHint : microphone === 'on' ? free : texts.pressHint;
  return (
    <Words size={14} tone="quiet" aria-live="polite" style={styles.hint}>
      {noticeText(conversation, texts) || usual}
    </Words>
  );
}

function TalkButton() {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {talk, preferences} = useAppState();
  const {microphone, isPressed} = useTalkState();
  const isHeld = preferences.mode === 'push_to_talk';
  const isOn = isHeld ? isPressed : microphone !== 'off';
  const label = isHeld ? (isPressed ? texts.release : texts.holdToTalk) : isOn ? texts.stopListening : texts.startListening;
  const ink = isOn ? colours.onLive : colours.onAccent;
  // a screen reader has no finger that stays down: it acts once to press and once to release
  const reader = {
    accessibilityActions: [{name: 'activate'}],
    onAccessibilityAction: () => (isPressed ? talk.release() : void talk.press()),
  };
  const held = {onPressIn: () => void talk.press(), onPressOut: () => talk.release(), ...reader};
  return (
    <Pressable
      testID="talk"
      role="button"
      aria-label={label}
      aria-pressed={isOn}
      accessibilityState={{selected: isOn}}
      disabled={!talk.hasServer}
      {...(isHeld ? held : {onPress: () => void talk.toggleListening()})}
      style={({pressed}) => [
        styles.talk,
        {backgroundColor: isOn ? colours.live : colours.accent, opacity: !talk.hasServer ? 0.5 : pressed && !isHeld ? 0.8 : 1},
      ]}>
      <Icon name={isOn && !isHeld ? 'stop' : 'microphone'} colour={ink} size={28} />
      <Words size={18} isBold style={[styles.label, {color: ink}]}>
        {label}
      </Words>
    </Pressable>
  );
}

function Typing() {
  const {
    texts,
    theme: {colours, text: textSize},
  } = useSurroundings();
  const {talk} = useAppState();
  const [text, setText] = useState('');
  const isEmpty = text.trim() === '';
  const send = () => {
    if (!isEmpty && talk.type(text.trim())) setText('');
  };
  return (
    <View style={styles.typing}>
      <TextInput
        testID="typing"
        aria-label={texts.typeHere}
        placeholder={texts.typeHere}
        placeholderTextColor={colours.quiet}
        value={text}
        onChangeText={setText}
        onSubmitEditing={send}
        submitBehavior="submit"
        returnKeyType="send"
        maxLength={MAX_TYPED}
        style={[styles.input, {color: colours.ink, backgroundColor: colours.raised, borderColor: colours.quiet, fontSize: textSize(16)}]}
      />
      <Pressable
        role="button"
        aria-label={texts.send}
        aria-disabled={isEmpty}
        disabled={isEmpty}
        onPress={send}
        style={[styles.send, {backgroundColor: colours.raised, borderColor: colours.quiet, opacity: isEmpty ? 0.5 : 1}]}>
        <Icon name="send" colour={colours.ink} />
      </Pressable>
    </View>
  );
}

export function TalkControls() {
  const {
    theme: {colours},
  } = useSurroundings();
  const {talk, preferences} = useAppState();
  const {microphone, isPressed, isPlaying} = useTalkState();
  const isHeard = (preferences.mode === 'hands_free' || isPressed) && !(isPlaying && talk.isHalfDuplex);
  return (
    <View style={[styles.controls, {backgroundColor: colours.paper, borderColor: colours.line}]}>
      <StateLine />
      {microphone === 'on' && <Waveform levels={talk.levels} isHeard={isHeard} />}
      <Hint />
      <TalkButton />
      <Typing />
    </View>
  );
}

const styles = StyleSheet.create({
  controls: {paddingHorizontal: 16, paddingTop: 10, paddingBottom: 10, gap: 8, borderTopWidth: StyleSheet.hairlineWidth},
  now: {minHeight: 40, flexDirection: 'row', alignItems: 'center', gap: 10},
  dot: {width: 12, height: 12, borderRadius: 6},
  grow: {flex: 1},
  hint: {minHeight: 20},
  label: {flexShrink: 1},
  talk: {
    minHeight: 72,
    borderRadius: 36,
    paddingHorizontal: 20,
    paddingVertical: 8,
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'center',
    gap: 12,
  },
  typing: {flexDirection: 'row', gap: 8},
  input: {flex: 1, minWidth: 0, minHeight: TOUCH, paddingHorizontal: 16, paddingVertical: 8, borderWidth: 1, borderRadius: 24},
  send: {width: TOUCH, height: TOUCH, borderRadius: TOUCH / 2, borderWidth: 1, alignItems: 'center', justifyContent: 'center'},
});
