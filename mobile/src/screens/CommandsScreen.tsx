/** What can I say: the server's commands; a press says one. */

import {useEffect, useMemo, useState} from 'react';
import {FlatList, Pressable, StyleSheet, View} from 'react-native';
import {commandLanguage, foundCommands, isWhole, type Command} from '../model/commands.ts';
import {shownLine} from '../model/shown-text.ts';
import {useAppState, useSurroundings} from '../ui/context.tsx';
import {Icon} from '../ui/Icon.tsx';
import {Button, Field, Title, Words} from '../ui/parts.tsx';
import {TOUCH} from '../ui/theme.ts';

const MAX_OTHERS = 4;

function Sentence({
  command: {
    samples: [first = '', ...others],
  },
  onSay,
}: {
  command: Command;
  onSay: (sentence: string) => void;
}) {
  const {
    theme: {colours},
  } = useSurroundings();
  const isSayable = isWhole(first);
  const more = others.slice(0, MAX_OTHERS).map(shownLine).join(' · ');
  return (
    <Pressable
      role={isSayable ? 'button' : 'none'}
      disabled={!isSayable}
      onPress={() => onSay(first)}
      style={({pressed}) => [styles.row, {borderColor: colours.line}, pressed && styles.pressed]}>
      <View style={styles.grow}>
        <Words>{shownLine(first)}</Words>
        {more !== '' && (
          <Words size={14} tone="quiet">
            {more}
          </Words>
        )}
      </View>
      {isSayable && <Icon name="send" colour={colours.quiet} size={20} />}
    </Pressable>
  );
}

export function CommandsScreen() {
  const {app, texts, open} = useSurroundings();
  const {commands, preferences, talk, server} = useAppState();
  const [search, setSearch] = useState('');
  useEffect(() => {
    if (server !== undefined) void app.loadCommands();
  }, [app, server]);
  const list = commands.is === 'here' ? commands.content : undefined;
  const found = useMemo(
    () => (list === undefined ? [] : foundCommands(list, commandLanguage(list, preferences.language, texts.code), search)),
    [list, preferences.language, texts.code, search],
  );
  const say = (sentence: string) => {
    talk.type(sentence);
    open('talk');
  };
  const hasFailed = commands.is === 'failed' || commands.is === 'forbidden';
  const byState =
    list === undefined ? (commands.is === 'loading' ? texts.loading : '') : search === '' ? texts.commandsEmpty : texts.commandsNone;
  return (
    <FlatList
      data={found}
      keyExtractor={({intent}, at) => `${at} ${intent}`}
      contentContainerStyle={styles.list}
      renderItem={({item}) => <Sentence command={item} onSay={say} />}
      keyboardShouldPersistTaps="handled"
      ListHeaderComponent={
        <View style={styles.top}>
          <Title>{texts.commands}</Title>
          {list !== undefined && <Field label={texts.search} inputMode="search" value={search} onChangeText={setSearch} />}
          {server === undefined && <Words tone="quiet">{texts.troubles.no_server[1]}</Words>}
          {hasFailed && <Words role="alert">{texts.commandsFailed}</Words>}
          {hasFailed && <Button label={texts.tryAgain} onPress={() => void app.loadCommands()} />}
        </View>
      }
      ListEmptyComponent={byState === '' ? null : <Words tone="quiet">{byState}</Words>}
      ListFooterComponent={
        list === undefined ? null : (
          <Words size={14} tone="quiet" style={styles.after}>
            {texts.anything}
          </Words>
        )
      }
    />
  );
}

const styles = StyleSheet.create({
  list: {padding: 16, paddingBottom: 32},
  top: {gap: 10, paddingBottom: 10},
  row: {
    minHeight: TOUCH,
    flexDirection: 'row',
    alignItems: 'center',
    gap: 12,
    paddingVertical: 10,
    borderBottomWidth: StyleSheet.hairlineWidth,
  },
  pressed: {opacity: 0.6},
  grow: {flex: 1, gap: 2},
  after: {marginTop: 16},
});
