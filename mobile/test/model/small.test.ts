import {activityOf, failuresIn, feedbackFor, type Activity, type ActivitySources} from '../../src/model/activity.ts';
import {commandLanguage, commandList, exampleSentences, foundCommands, isWhole} from '../../src/model/commands.ts';
import {afterEvent, EMPTY} from '../../src/model/conversation.ts';
import {isHalfDuplex, isSilenced, TAIL_MS} from '../../src/model/duplex.ts';
import {byDay, foundTurns, MAX_PAST, ownTurns, pastOf, pastPath, withPage} from '../../src/model/history.ts';
import {Levels} from '../../src/model/levels.ts';
import {preferencesFrom, USUAL} from '../../src/model/preferences.ts';
import {argumentsText, MAX_LINE, MAX_TEXT, shownLine, shownText} from '../../src/model/shown-text.ts';
import {COMMANDS} from '../fakes.ts';

// --- the microphone while an answer is said ------------------------------------------------------

test.each([
  ['automatic', 'headphones', false, false], ['automatic', 'loudspeaker', false, true], ['automatic', 'unknown', false, true],
  ['automatic', 'loudspeaker', true, false], ['always', 'loudspeaker', false, false], ['never', 'headphones', true, true],
] as const)('with %s, on %s, echo cancelled %p: half duplex is %p', (policy, route, cancelsEcho, expected) => {
  expect(isHalfDuplex(policy, route, cancelsEcho)).toBe(expected);
});

test('half duplex is silent while an answer sounds, and a little longer if it came to its end', () => {
  expect(isSilenced(true, {isPlaying: true, endedAt: undefined}, 0)).toBe(true);
  expect(isSilenced(true, {isPlaying: false, endedAt: 1_000}, 1_000 + TAIL_MS - 1)).toBe(true);
  expect(isSilenced(true, {isPlaying: false, endedAt: 1_000}, 1_000 + TAIL_MS)).toBe(false);
  expect(isSilenced(true, {isPlaying: false, endedAt: undefined}, 0)).toBe(false);
  expect(isSilenced(false, {isPlaying: true, endedAt: undefined}, 0)).toBe(false);
});

// --- what the app does ---------------------------------------------------------------------------

const RESTING: ActivitySources = {
  connection: {phase: 'open'}, wasOpen: true, conversation: EMPTY, microphone: 'off', mode: 'hands_free', isPressed: false, isPlaying: false,
};

test.each([
  [{}, 'ready'], [{microphone: 'opening'}, 'opening'], [{microphone: 'on'}, 'listening'], [{microphone: 'taken'}, 'ready'],
  [{microphone: 'on', mode: 'push_to_talk'}, 'ready'], [{microphone: 'on', mode: 'push_to_talk', isPressed: true}, 'listening'],
  [{isPlaying: true}, 'speaking'], [{connection: {phase: 'connecting'}}, 'offline'], [{connection: {phase: 'connecting'}, wasOpen: false}, 'connecting'],
  [{connection: {phase: 'idle'}}, 'offline'],
] as const)('%j is %s', (sources, activity) => {
  expect(activityOf({...RESTING, ...sources}, 0)).toBe(activity);
});

test.each([
  ['listening', 'hearing', 'began'], ['hearing', 'thinking', 'ended'], ['thinking', 'asking', 'question'], ['hearing', 'asking', 'question'],
  ['ready', 'offline', 'failed'], ['connecting', 'offline', undefined], ['thinking', 'speaking', undefined], ['ready', 'ready', undefined],
] as const)('from %s to %s one feels: %s', (before, after, felt) => {
  expect(feedbackFor({activity: before as Activity, failures: 1}, {activity: after as Activity, failures: 1})).toBe(felt);
});

test('a turn that fails is felt, whatever the app does', () => {
  const failed = afterEvent(EMPTY, 'turn_completed', {turn_id: '1', outcome: 'failed', latency_ms: {}}, 0);
  expect(failuresIn(afterEvent(failed, 'error', {turn_id: '2', message: 'no'}, 0))).toBe(1); // a turn without words is left out
  expect(feedbackFor({activity: 'thinking', failures: 0}, {activity: 'ready', failures: 1})).toBe('failed');
});

// --- what servers and tools write ----------------------------------------------------------------

test('text is shown without controls, and whole characters of it', () => {
  expect(shownText('a\u202eb\u0000c\u200b\nd')).toBe('abc\nd');
  expect(shownText('😀'.repeat(3_000))).toBe(`${'😀'.repeat(MAX_TEXT)}…`);
  expect(shownText('<b>bold</b> & **strong**')).toBe('<b>bold</b> & **strong**');
  expect(shownLine(' a\n\n b ')).toBe('a b');
  expect(Array.from(shownLine('x'.repeat(9_999)))).toHaveLength(MAX_LINE + 1);
});

test('arguments are shown as a list, whatever they hold', () => {
  expect(argumentsText({room: 'kitchen', level: 3, list: [1, {a: null}], note: 'a\nb\u202e'})).toBe('room: kitchen, level: 3, list: [1,{"a":null}], note: a b');
  expect(argumentsText(undefined)).toBe('');
  expect(argumentsText({})).toBe('');
});

// --- what can be said ----------------------------------------------------------------------------

test('a list of commands is read with care', () => {
  expect(commandList(COMMANDS)?.commands).toHaveLength(2);
  expect(commandList({languages: ['en', 1], commands: [null, {language: 'en'}, {...COMMANDS.commands[0], samples: [1]}]})).toEqual({languages: ['en'], commands: []});
  for (const page of [null, undefined, [], 'x', {languages: []}, {commands: {}}]) expect(commandList(page)).toBeUndefined();
});

test('commands are those of the spoken language, and can be searched', () => {
  const list = commandList({languages: ['de', 'fr'], commands: COMMANDS.commands})!;
  expect([commandLanguage(list, 'de-AT', 'en'), commandLanguage(list, undefined, 'en'), commandLanguage(list, undefined, 'fr')]).toEqual(['de', 'de', 'fr']);
  expect(foundCommands(list, 'en', 'TIME').map(({intent}) => intent)).toEqual(['GetTime']);
  expect(foundCommands(list, 'de', '')).toEqual([]);
});

test('examples are whole sentences', () => {
  expect(exampleSentences(commandList(COMMANDS)!, 'en')).toEqual(['what time is it']);
  expect(isWhole('take a note …')).toBe(false);
});

// --- history -------------------------------------------------------------------------------------

const turn = (turn_id: string, timestamp: number, heard = 'hello', rest: object = {}) => ({session_id: 's', turn_id, timestamp, heard, replied: '', outcome: 'done', ...rest});

test('a thousand turns are read, each once, and what is none is left out', () => {
  const turns = Array.from({length: 1_000}, (_, at) => turn(`${at}`, 1_000 - at, `order ${at}`));
  const {turns: found} = pastOf({turns: [...turns, turns[0], null, 7, {turn_id: 'x'}, turn('y', 5, '', {replied: null})]})!;
  expect(found).toHaveLength(1_000);
  expect(foundTurns(found, 'ORDER 999').map(({heard}) => heard)).toEqual(['order 999']);
  expect(foundTurns(found, '  ')).toBe(found);
  for (const page of [null, {}, {turns: 'x'}]) expect(pastOf(page)).toBeUndefined();
});

test('pages of the history are put together, each turn once, within bounds', () => {
  const page = (first: number, count: number, next?: unknown) => pastOf({turns: Array.from({length: count}, (_, at) => turn(`${first + at}`, 9_000 - first - at)), next})!;
  expect(page(0, 2, 'p2').next).toBe('p2');
  expect([page(0, 1, null).next, page(0, 1, '').next]).toEqual([undefined, undefined]);
  expect(withPage(page(0, 3, 'p2'), page(2, 2, 'p3'))).toMatchObject({next: 'p3', turns: [{id: 's 0'}, {id: 's 1'}, {id: 's 2'}, {id: 's 3'}]});
  const full = withPage(page(0, MAX_PAST - 1, 'p2'), page(MAX_PAST, 5, 'p3'));
  expect([full.turns.length, full.next]).toEqual([MAX_PAST, undefined]);
  expect(pastPath('', undefined)).toBe('api/conversations?limit=100');
  expect(pastPath('light & dark', 'p2/=')).toBe('api/conversations?limit=100&q=light%20%26%20dark&after=p2%2F%3D');
});

test('turns are shown by day', () => {
  const noon = new Date(2026, 9, 25, 12).getTime();
  const days = byDay(pastOf({turns: [turn('3', noon / 1_000 + 60), turn('2', noon / 1_000), turn('1', noon / 1_000 - 86_400)]})!.turns);
  expect(days.map(({data}) => data.length)).toEqual([2, 1]);
  expect(new Date(days[0]!.at).getHours()).toBe(0);
});

test('where the server tells no history, there are the turns that the app has seen, newest first', () => {
  const first = afterEvent(EMPTY, 'transcript', {turn_id: '1', text: 'one', language: 'en'}, 1);
  const second = afterEvent(first, 'error', {turn_id: '2', message: 'no model'}, 2);
  expect(ownTurns(second)).toEqual([{id: '2', at: 2, heard: '', replied: 'no model', outcome: ''}, {id: '1', at: 1, heard: 'one', replied: '', outcome: ''}]);
});

// --- choices and levels --------------------------------------------------------------------------

test('choices that make no sense are as usual, and the others are kept', () => {
  const stored = {clientId: 'phone-abcd1234', mode: 'push_to_talk', speak: 'yes', language: 'de', appLanguage: '<b>', textSize: 'huge', __proto__: {x: 1}, x: 1};
  expect(preferencesFrom(JSON.stringify(stored), () => 0.5)).toEqual({...USUAL, clientId: 'phone-abcd1234', mode: 'push_to_talk', language: 'de'});
});

test.each([null, '', '{', '[]', 'null', '"x"', '7'])('a phone that kept %p is a new one, with a name of its own', (stored) => {
  expect(preferencesFrom(stored, () => 0)).toEqual({...USUAL, clientId: 'phone-00000000'});
});

test('the levels are the last ones, oldest first, and within bounds', () => {
  const levels = new Levels(3);
  for (const peak of [0.25, 0.5, 2, Number.NaN]) levels.add(peak);
  expect(levels.all()).toEqual([0.5, 1, 0]);
  levels.clear();
  expect(levels.all()).toEqual([0, 0, 0]);
});
