/** Talk: the conversation, what stands in its way, and the controls. */

import {useRef} from 'react';
import {FlatList, StyleSheet, View, type NativeScrollEvent, type NativeSyntheticEvent} from 'react-native';
import {commandLanguage, exampleSentences} from '../model/commands.ts';
import type {Turn} from '../model/conversation.ts';
import {shownText} from '../model/shown-text.ts';
import {useAppState, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Button, Words} from '../ui/parts.tsx';
import {TalkControls} from './TalkControls.tsx';
import {TroubleCard} from './TroubleCard.tsx';
import {TurnView} from './TurnView.tsx';

const NEAR = 120; // dp from the end, within which the user reads the newest turn

function Welcome() {
  const {texts} = useSurroundings();
  const {talk, commands, preferences} = useAppState();
  const list = commands.is === 'here' ? commands.content : undefined;
  const examples = list === undefined ? [] : exampleSentences(list, commandLanguage(list, preferences.language, texts.code));
  return (
    <View style={styles.welcome}>
      <Words size={22} style={styles.centred}>
        {texts.welcome}
      </Words>
      {examples.length > 0 && (
        <Words tone="quiet" style={styles.centred}>
          {texts.examples}
        </Words>
      )}
      <View style={styles.examples}>
        {examples.map((sentence) => (
          <Button key={sentence} label={sentence} onPress={() => talk.type(sentence)} />
        ))}
      </View>
    </View>
  );
}

/** What was heard and answered last, for screen readers: said once each, when it is whole. */
function Spoken({turn}: {turn: Turn | undefined}) {
  const {texts} = useSurroundings();
  const isWhole = turn !== undefined && turn.reply !== '' && (turn.outcome !== undefined || turn.isSpeaking);
  return (
    <Words style={styles.hidden} aria-live="polite">
      {isWhole ? `${texts.answer}: ${shownText(turn.reply)}` : ''}
    </Words>
  );
}

export function TalkScreen() {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {talk, preferences} = useAppState();
  const {
    conversation: {turns, typed},
  } = useTalkState();
  const list = useRef<FlatList<Turn>>(null);
  const isAtEnd = useRef(true);
  const trouble = talk.trouble();
  const note = ({nativeEvent: {contentOffset, contentSize, layoutMeasurement}}: NativeSyntheticEvent<NativeScrollEvent>) => {
    isAtEnd.current = contentOffset.y + layoutMeasurement.height >= contentSize.height - NEAR;
  };
  const follow = () => {
    if (isAtEnd.current) list.current?.scrollToEnd({animated: false});
  };
  return (
    <View style={styles.screen}>
      <FlatList
        ref={list}
        data={turns}
        keyExtractor={({id}) => id}
        renderItem={({item}) => <TurnView turn={item} isDetailed={preferences.details} />}
        aria-label={texts.conversation}
        contentContainerStyle={styles.turns}
        onScroll={note}
        scrollEventThrottle={100}
        onContentSizeChange={follow}
        keyboardShouldPersistTaps="handled"
        ListEmptyComponent={typed.length > 0 || trouble?.kind === 'no_server' ? null : <Welcome />}
        ListFooterComponent={
          <View style={styles.after}>
            {typed.map((text, at) => (
              <View key={`${at} ${text}`} style={[styles.typed, {backgroundColor: colours.said}]}>
                <Words>{shownText(text)}</Words>
              </View>
            ))}
            {trouble !== undefined && <TroubleCard trouble={trouble} />}
          </View>
        }
      />
      <Spoken turn={turns.at(-1)} />
      <TalkControls />
    </View>
  );
}

const styles = StyleSheet.create({
  screen: {flex: 1},
  turns: {padding: 16, flexGrow: 1},
  welcome: {flexGrow: 1, justifyContent: 'center', gap: 14, paddingVertical: 32},
  centred: {textAlign: 'center'},
  examples: {flexDirection: 'row', flexWrap: 'wrap', justifyContent: 'center', gap: 8},
  hidden: {position: 'absolute', width: 1, height: 1, overflow: 'hidden', opacity: 0},
  after: {gap: 12},
  typed: {alignSelf: 'flex-end', maxWidth: '85%', paddingHorizontal: 14, paddingVertical: 8, borderRadius: 14, opacity: 0.7},
});
