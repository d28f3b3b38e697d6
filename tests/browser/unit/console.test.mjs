import assert from 'node:assert/strict';
import {test} from 'node:test';
import {barPath, extent, linePath, topOf} from '../../../web/console/chart.js';
import {EventParser} from '../../../web/console/events.js';
import {pageOf} from '../../../web/console/parts.js';
import {actorRows, attention, matching, pools, signals, sorted, troubleIn} from '../../../web/console/rows.js';
import {TEXTS, textsFor} from '../../../web/console/texts.js';
import {foundTurns, lengthOf, scaleOf} from '../../../web/console/turns.js';

globalThis.location ??= {hash: ''};
const {inWords} = await import('../../../web/console/notices.js');
const {merged, placeOf, troubleBy} = await import('../../../web/console/server.js');

const counters = {processed: 7, expired: 1, dropped: {overflow: 2}, rejected: 3, latency_s: 0.002};
const node = (id, more = {}) => ({
  id, state: 'ready', incarnation: 1, restarts: 0, mailbox: {queued: 0, head_age_s: 0, counters}, statistics: {}, children: [], ...more,
});

function shape(value) {
  if (Array.isArray(value)) return value.map(shape);
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)])) : typeof value;
}

test('every language has every sentence', () => {
  for (const texts of Object.values(TEXTS)) assert.deepEqual(shape(texts), shape(TEXTS.en));
  assert.equal(textsFor(undefined, ['fr', 'de-AT']).code, 'de');
});

test('every kind of notice is told in words, in each language', () => {
  const notice = {subject: 'dialogue', detail: 'KeyError', count: 2};
  for (const texts of Object.values(TEXTS)) {
    assert.deepEqual(Object.keys(texts.told), Object.keys(texts.kinds));
    for (const kind of Object.keys(texts.kinds)) assert.match(inWords({kind, ...notice}, texts), /^\S.*\.$/);
  }
  assert.equal(inWords({kind: 'session_crashed', ...notice}, TEXTS.en), 'dialogue crashed in 2 sessions (KeyError) and is started again.');
  assert.equal(inWords({kind: 'session_recovered', subject: '', detail: '', count: 1}, TEXTS.de), 'Eine abgestürzte Sitzung geht weiter.');
  const renewed = {kind: 'certificate', subject: 'ab'.repeat(32), detail: '2027-04-30', count: 1};
  assert.equal(inWords(renewed, TEXTS.en), 'New connections use another certificate (sha256 abababababababab…), good until 2027-04-30.');
  assert.equal(inWords({kind: 'of a newer server', ...notice}, TEXTS.en), 'of a newer server dialogue KeyError');
});

test('durations are written in one or two units', () => {
  assert.deepEqual([0.44, 12.6, 60, 200, 7_500, 90_000].map(TEXTS.en.duration), ['0.4 s', '13 s', '1 min', '3 min 20 s', '2 h 5 min', '1 d 1 h']);
});

test('events come out of pieces of any size', () => {
  const stream = 'retry: 2000\n\nid: 1\r\nevent: status\r\ndata: {"a": 1}\r\n\r\nevent: notice\ndata: {"b":\ndata: 2}\n\n';
  for (const size of [1, 3, stream.length]) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
    assert.deepEqual(found, [{event: 'status', data: '{"a": 1}'}, {event: 'notice', data: '{"b":\n2}'}], size);
  }
});

test('the tree is rows, parents first, and sessions are left to their own view', () => {
  const tree = {children: [node('tools', {children: [node('tools.home')]}), node('sessions', {children: [node('0123')], summary: {count: 9}})]};
  const rows = actorRows(tree);
  assert.deepEqual(rows.map(({id, depth}) => [id, depth]), [['tools', 0], ['tools.home', 1], ['sessions', 0]]);
  assert.deepEqual([rows[0].processed, rows[0].dropped, rows[0].mean, rows[2].summary.count], [7, 5, 2, 9]);
});

test('what needs attention is told, the worst first', () => {
  const exit = {kind: 'abnormal', reason: 'ValueError: x', ago_s: 1};
  const rows = actorRows({children: [
    node('speech', {statistics: {pool: {ready: 0, size: 1, spares: 0, trouble: null, busy_ratio: 0, workers: []}}}),
    node('history', {state: 'backoff', last_exit: exit}),
    node('inference', {statistics: {guards: [{name: 'ollama', breaker: 'open'}]}}),
    node('load', {state: 'skipped'}),
  ]});
  assert.deepEqual(attention(rows, ['home']).map(({id, health}) => [id, health]), [
    ['history', 'down'], ['speech', 'degraded'], ['ollama', 'degraded'], ['tools.home', 'degraded'],
  ]);
  assert.equal(attention(rows, [])[0].why, 'ValueError: x');
  assert.equal(rows[3].health, 'off');
  assert.equal(troubleIn({trouble: null, problem: null}), undefined);
});

test('rows are sorted, what has no value last, and equal ones keep their order', () => {
  const rows = [{id: 'a', n: 2}, {id: 'b'}, {id: 'c', n: 10}, {id: 'd', n: 2}];
  const ids = (found) => found.map(({id}) => id).join('');
  assert.equal(ids(sorted(rows, ({n}) => n, false)), 'adcb');
  assert.equal(ids(sorted(rows, ({n}) => n, true)), 'cadb');
  assert.equal(ids(sorted(rows, ({id}) => id, true)), 'dcba');
});

test('a filter finds rows that have all its words', () => {
  const rows = [{a: 'tools.home', b: 'ready'}, {a: 'speech', b: null}];
  const find = (search) => matching(rows, search, ({a, b}) => [a, b]).length;
  assert.deepEqual(['', '  ', 'HOME', 'home ready', 'home down', 'e'].map(find), [2, 2, 1, 1, 0, 2]);
});

test('a signal knows the level that it has reached, and which way is worse', () => {
  const load = {signals: {
    memory: {value: 0.9, unit: 'share', marks: {1: [0.75, 0.7], 3: [0.88, 0.82], 4: [0.94, 0.88]}},
    free_disk: {value: 0.04, unit: 'share', marks: {1: [0.05, 0.08]}},
    cpu: {value: null, unit: '%', marks: {1: [40, 25]}},
  }};
  assert.deepEqual(signals(load).map(({name, level, isScarce}) => [name, level, isScarce]), [['memory', 3, false], ['free_disk', 1, true], ['cpu', 0, false]]);
  assert.deepEqual(signals(undefined), []);
});

test('of a pool is known how many work and how many are free', () => {
  const pool = {size: 2, ready: 3, spares: 1, busy_ratio: 0.5, waiting: 4, crashes: 1, pss_bytes: 0, rss_bytes: 9, workers: [], trouble: null};
  const [{busy, bytes, waiting}] = pools(actorRows({children: [node('transcription', {statistics: {pool}}), node('load')]}));
  assert.deepEqual([busy, bytes, waiting], [1, 9, 4]);
});

test('a line has gaps where nothing was measured, and bars stand where something happened', () => {
  assert.equal(linePath([0, null, 1, 1], 1, 3, 12), 'M0.0 11.0h.1M2.0 1.0L3.0 1.0');
  assert.equal(linePath([], 1), '');
  assert.equal(barPath([0, null, 5], 10, 2, 12), 'M2.0 12V7.0');
  assert.equal(topOf([0.2, null], [{up: 0.5}, {up: 5}]), 0.575);
  assert.equal(topOf([null], []), 1);
  assert.deepEqual(extent([null, 3, 1]), {last: 1, most: 3, least: 1});
  assert.equal(extent([null]), undefined);
});

test('turns stand on one scale', () => {
  const turn = (total, more = {}) => ({number: 1, outcome: 'done', latency_ms: {total, stt: total / 2}, calls: [], heard: 'light on', ...more});
  assert.equal(lengthOf(turn(900)), 900);
  assert.equal(scaleOf([turn(900), turn(1_400)]), 2_000);
  assert.equal(scaleOf([]), 20);
  const all = [turn(1, {number: 1}), turn(1, {number: 2, outcome: 'failed', calls: [{tool: 'get_time'}]})];
  assert.deepEqual(foundTurns(all, '', '').map(({number}) => number), [2, 1]);
  assert.deepEqual(foundTurns(all, 'failed', '').length, 1);
  assert.deepEqual(foundTurns(all, '', 'get_time').map(({number}) => number), [2]);
});

test('lists are merged by number, and bounded', () => {
  assert.deepEqual(merged([{number: 1}, {number: 2}], [{number: 2}, {number: 3}]).map(({number}) => number), [1, 2, 3]);
  assert.equal(merged([], Array.from({length: 500}, (_, number) => ({number}))).length, 200);
});

test('a page behind the end is the last one', () => {
  const rows = Array.from({length: 250}, (_, at) => at);
  assert.deepEqual([pageOf(rows, 1).shown.length, pageOf(rows, 9).shown.length, pageOf(rows, 9).at, pageOf([], 3).at], [100, 50, 2, 0]);
});

test('an address says which view, and which session', () => {
  assert.deepEqual(placeOf('#sessions/0123'), {view: 'sessions', id: '0123'});
  assert.deepEqual(placeOf('#turns'), {view: 'turns', id: undefined});
  assert.deepEqual([placeOf(''), placeOf('#nothing')].map(({view}) => view), ['overview', 'overview']);
});

test('a refusal says what can be done about it', () => {
  assert.deepEqual([401, 403, 421, 429, 503, 200].map((status) => troubleBy(status, true)), ['key', 'scope', 'elsewhere', 'often', 'busy', undefined]);
  assert.equal(troubleBy(403, false), 'elsewhere');
  for (const texts of Object.values(TEXTS)) for (const kind of ['key', 'scope', 'elsewhere', 'often', 'busy', 'away', 'leaving']) assert.equal(texts.troubles[kind].length, 2);
});
