/**
 * History: the turns that the server keeps, or where this phone may not read them, those that the app has seen.
 *
 * The server searches all that it keeps once the words are entered; what is here is searched while they are typed.
 */

import {useEffect, useMemo, useState} from 'react';
import {SectionList, StyleSheet, View} from 'react-native';
import {byDay, foundTurns, ownTurns, type PastTurn} from '../model/history.ts';
import {shownText} from '../model/shown-text.ts';
import type {Texts} from '../texts/index.ts';
import {useAppState, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Button, Card, Field, Title, Words} from '../ui/parts.tsx';

const MAX_SHOWN = 400; // characters of an answer
const DAY_MS = 86_400_000;

export function dayName(at: number, now: number, texts: Texts): string {
  const today = new Date(now).setHours(0, 0, 0, 0);
  if (at === today) return texts.today;
  if (at === new Date(today - DAY_MS / 2).setHours(0, 0, 0, 0)) return texts.yesterday; // half a day: days of 23 and 25 hours, too
  return new Date(at).toLocaleDateString(texts.code, {weekday: 'long', day: 'numeric', month: 'long', year: 'numeric'});
}

function Past({turn: {at, heard, replied, outcome}}: {turn: PastTurn}) {
  const {texts} = useSurroundings();
  const time = new Date(at).toLocaleTimeString(texts.code, {hour: 'numeric', minute: '2-digit'});
  const remark = Object.hasOwn(texts.outcomes, outcome) ? texts.outcomes[outcome as keyof Texts['outcomes']] : '';
  return (
    <Card>
      <View style={styles.past} accessible>
        <View style={styles.line}>
          <Words isBold style={styles.grow}>
            {heard === '' ? '…' : shownText(heard, MAX_SHOWN)}
          </Words>
          <Words size={14} tone="quiet">
            {time}
          </Words>
        </View>
        {replied !== '' && <Words>{shownText(replied, MAX_SHOWN)}</Words>}
        {remark !== '' && (
          <Words size={14} tone="quiet">
            {remark}
          </Words>
        )}
      </View>
    </Card>
  );
}

export function HistoryScreen() {
  const {app, texts} = useSurroundings();
  const {past, pastWords, server} = useAppState();
  const {conversation} = useTalkState();
  const [search, setSearch] = useState(pastWords);
  useEffect(() => {
    if (server !== undefined) void app.loadPast();
  }, [app, server]);
  const turns = useMemo(() => (past.is === 'here' ? past.content.turns : ownTurns(conversation)), [past, conversation]);
  const isFound = past.is === 'here' && search === pastWords; // by the server, whose words are not ours
  const days = useMemo(() => byDay(isFound ? turns : foundTurns(turns, search)), [turns, search, isFound]);
  const note = past.is === 'forbidden' ? texts.historyOwn : past.is === 'failed' ? texts.historyFailed : '';
  const isWaiting = past.is === 'loading' && turns.length === 0;
  const empty = isWaiting ? texts.loading : search === '' ? texts.historyEmpty : texts.historyNone;
  return (
    <SectionList
      sections={days}
      keyExtractor={({id}) => id}
      renderItem={({item}) => <Past turn={item} />}
      contentContainerStyle={styles.list}
      keyboardShouldPersistTaps="handled"
      stickySectionHeadersEnabled={false}
      onRefresh={() => void app.loadPast()}
      refreshing={false}
      onEndReached={() => void app.loadMorePast()}
      onEndReachedThreshold={1}
      ItemSeparatorComponent={() => <View style={styles.gap} />}
      renderSectionHeader={({section: {at}}) => (
        <Words role="heading" aria-level={2} size={15} tone="quiet" isBold style={styles.day}>
          {dayName(at, Date.now(), texts)}
        </Words>
      )}
      ListHeaderComponent={
        <View style={styles.top}>
          <Title>{texts.tabs.history}</Title>
          <Field
            label={texts.search}
            inputMode="search"
            value={search}
            onChangeText={setSearch}
            returnKeyType="search"
            clearButtonMode="while-editing"
            onSubmitEditing={() => void app.loadPast(search.trim())}
            onBlur={() => search === '' && pastWords !== '' && void app.loadPast('')}
          />
          {note !== '' && (
            <Words size={14} tone="quiet">
              {note}
            </Words>
          )}
          {past.is === 'failed' && <Button label={texts.tryAgain} onPress={() => void app.loadPast()} />}
        </View>
      }
      ListEmptyComponent={
        <Words tone="quiet" style={styles.day}>
          {empty}
        </Words>
      }
    />
  );
}

const styles = StyleSheet.create({
  list: {padding: 16, paddingBottom: 32},
  top: {gap: 10},
  day: {marginTop: 18, marginBottom: 8},
  gap: {height: 8},
  past: {paddingVertical: 10, gap: 4},
  line: {flexDirection: 'row', gap: 12, alignItems: 'baseline'},
  grow: {flex: 1},
});
