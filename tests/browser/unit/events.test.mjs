import assert from 'node:assert/strict';
import {test} from 'node:test';
import {asJson, dataText, EVENT_TEXTS, foundFrames} from '../../../web/talk/events.js';
import {FrameLog, MAX_FRAMES} from '../../../web/talk/frame-log.js';
import {LANGUAGES} from '../../../web/talk/texts.js';

const FRAMES = [
  {number: 1, at: 0, isSent: true, type: 'connection_request', data: {resume: {token: 'secret', last_seq: 4}}},
  {number: 2, at: 1, isSent: false, type: 'connection_accepted', seq: 1, data: {resume_token: 'secret', protocol: 1}},
  {number: 3, at: 2, isSent: false, type: 'reply', seq: 2, data: {text: 'It is <b>late</b>.'}},
];

test('the newest frames are kept, and told of', () => {
  const log = new FrameLog();
  let told = 0;
  log.onChange = () => (told += 1);
  for (let number = 1; number <= MAX_FRAMES + 5; number += 1) log.add({type: 'status', data: {number}}, false);
  assert.deepEqual([log.frames.length, told], [MAX_FRAMES, MAX_FRAMES + 5]);
  assert.deepEqual([log.frames[0].data.number, log.frames.at(-1).number], [6, MAX_FRAMES + 5]);
});

test('frames are found by their type and their data, the newest first', () => {
  assert.deepEqual(foundFrames(FRAMES, ' ').map(({number}) => number), [3, 2, 1]);
  assert.deepEqual(foundFrames(FRAMES, 'CONNECTION').map(({number}) => number), [2, 1]);
  assert.deepEqual(foundFrames(FRAMES, '<b>LATE').map(({number}) => number), [3]);
  assert.deepEqual(foundFrames(FRAMES, 'secret'), []);
});

test('tokens are neither shown nor copied', () => {
  assert.equal(dataText(FRAMES[0]), '{\n  "resume": {\n    "token": "…",\n    "last_seq": 4\n  }\n}');
  const [request, accepted, reply] = JSON.parse(asJson(FRAMES));
  assert.deepEqual(request, {at: '1970-01-01T00:00:00.000Z', from: 'page', type: 'connection_request', data: {resume: {token: '…', last_seq: 4}}});
  assert.equal(accepted.data.resume_token, '…');
  assert.deepEqual([reply.from, reply.seq, reply.data], ['server', 2, {text: 'It is <b>late</b>.'}]);
});

test('every language has every sentence of the events', () => {
  assert.deepEqual(Object.keys(EVENT_TEXTS), Object.keys(LANGUAGES));
  const [first, ...others] = Object.values(EVENT_TEXTS).map((texts) => Object.keys(texts));
  for (const names of others) assert.deepEqual(names, first);
});
