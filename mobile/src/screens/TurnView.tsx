/** One turn of the conversation: what was said, the tools that were called, the answer, and how long it took. */

import {memo, useState} from 'react';
import {Pressable, StyleSheet, View} from 'react-native';
import {stagesOf, type Stage, type ToolUse, type Turn} from '../model/conversation.ts';
import {argumentsText, shownLine, shownText} from '../model/shown-text.ts';
import type {events} from '@sayso/client';
import {useSurroundings} from '../ui/context.tsx';
import {Words} from '../ui/parts.tsx';
import {TOUCH} from '../ui/theme.ts';

const STAGE_COLOURS: Readonly<Record<Stage, readonly [string, string]>> = {
  endpoint: ['#9aa0aa', '#767d8a'],
  queue: ['#c9892b', '#e0ac5c'],
  stt: ['#2f6fb5', '#6ea8e6'],
  understand: ['#7a57b0', '#b195e0'],
  first_token: ['#a84f86', '#df8fc0'],
  tool: ['#0b6e5f', '#6fd6bf'],
  voice: ['#5f7d1f', '#a9cc5a'],
};

function ToolLine({tool: {server, tool, given, progress, result}, reply}: {tool: ToolUse; reply: string}) {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const outcome = result === undefined ? texts.calling : result.ok ? texts.took(Math.round(result.durationMs)) : texts.failed;
  const said = argumentsText(given);
  const {done, total, message} = progress ?? {};
  return (
    <View style={[styles.tool, {borderColor: result?.ok === false ? colours.bad : colours.accent}]}>
      <Words size={14}>
        <Words size={14} style={styles.name}>
          {shownLine(tool)}
        </Words>
        <Words size={14} tone="quiet">{` ${shownLine(server)} · ${outcome}`}</Words>
      </Words>
      {said !== '' && (
        <Words size={14} tone="quiet">
          {said}
        </Words>
      )}
      {progress !== undefined && result === undefined && (
        <Words size={14} tone="quiet">
          {shownLine(`${done}${total === undefined ? '' : ` / ${total}`} ${message ?? ''}`)}
        </Words>
      )}
      {result !== undefined && result.text !== '' && result.text !== reply && (
        <Words size={14} tone={result.ok ? 'quiet' : 'bad'}>
          {shownText(result.text)}
        </Words>
      )}
    </View>
  );
}

function Stages({latency}: {latency: events.LatencyMs}) {
  const {
    texts,
    theme: {colours, isDark},
  } = useSurroundings();
  const [isOpen, setOpen] = useState(false);
  const {stages, totalMs} = stagesOf(latency);
  if (totalMs <= 0) return null;
  const colour = (stage: Stage) => STAGE_COLOURS[stage][isDark ? 1 : 0];
  const total = texts.firstSound(Math.round(totalMs));
  return (
    <View>
      <Pressable role="button" aria-label={total} aria-expanded={isOpen} onPress={() => setOpen(!isOpen)} style={styles.stages} hitSlop={4}>
        <View style={[styles.bar, {backgroundColor: colours.line}]}>
          {stages.map(({stage, ms}) => (
            <View key={stage} style={{flexGrow: ms, minWidth: 2, backgroundColor: colour(stage)}} />
          ))}
        </View>
        <Words size={13} tone="quiet">
          {total}
        </Words>
      </Pressable>
      {isOpen && (
        <View style={styles.list}>
          {stages.map(({stage, ms}) => (
            <View key={stage} style={styles.entry}>
              <View style={[styles.spot, {backgroundColor: colour(stage)}]} />
              <Words size={13} tone="quiet">{`${texts.stages[stage]} ${texts.took(Math.round(ms))}`}</Words>
            </View>
          ))}
        </View>
      )}
    </View>
  );
}

export const TurnView = memo(function TurnView({turn, isDetailed}: {turn: Turn; isDetailed: boolean}) {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {said, isHearing, tools, reply, isTruncated, outcome, latency, error} = turn;
  const remark = error ?? (outcome === undefined ? '' : texts.outcomes[outcome]);
  const heard = said === '' ? '…' : shownText(said);
  return (
    <View style={styles.turn}>
      {(said !== '' || isHearing) && (
        <View style={[styles.said, {backgroundColor: colours.said}]}>
          <Words accessibilityLabel={`${texts.you}: ${heard}`}>{heard}</Words>
        </View>
      )}
      {isDetailed && tools.map((tool) => <ToolLine key={tool.callId} tool={tool} reply={reply} />)}
      {reply !== '' && (
        <Words size={18} accessibilityLabel={`${texts.answer}: ${shownText(reply)}`}>
          {shownText(reply)}
          {isTruncated && <Words size={16} tone="quiet">{` (${texts.cut})`}</Words>}
        </Words>
      )}
      {remark !== '' && !(outcome === 'interrupted' && isTruncated) && (
        <Words size={15} tone="quiet">
          {shownText(remark)}
        </Words>
      )}
      {isDetailed && latency !== undefined && <Stages latency={latency} />}
    </View>
  );
});

const styles = StyleSheet.create({
  turn: {gap: 6, alignItems: 'flex-start', marginBottom: 24},
  said: {alignSelf: 'flex-end', maxWidth: '85%', paddingHorizontal: 14, paddingVertical: 8, borderRadius: 14, borderBottomRightRadius: 4},
  tool: {maxWidth: '100%', paddingLeft: 12, paddingVertical: 4, borderLeftWidth: 3, gap: 2},
  name: {fontFamily: 'monospace', fontWeight: '600'},
  stages: {minHeight: TOUCH - 12, flexDirection: 'row', alignItems: 'center', gap: 10},
  bar: {width: 140, height: 8, borderRadius: 4, overflow: 'hidden', flexDirection: 'row', gap: 1},
  list: {flexDirection: 'row', flexWrap: 'wrap', columnGap: 16, rowGap: 2},
  entry: {flexDirection: 'row', alignItems: 'center', gap: 6},
  spot: {width: 10, height: 10, borderRadius: 2},
});
