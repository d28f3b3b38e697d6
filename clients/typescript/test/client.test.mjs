import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {SaysoClient, SILENCE_MS, OPENING_MS} from '../../../web/client/index.js';
import {FakeSocket} from './fake-socket.mjs';

const OPTIONS = {client_id: 'test', capabilities: ['stt', 'llm', 'tools', 'tts']};
const samples = (...values) => new Uint8Array(values.flatMap((value) => [value, 0]));

function started(t, config = {}) {
  t.mock.timers.enable({apis: ['setTimeout', 'Date'], now: 1_000_000});
  const client = new SaysoClient({
    url: 'ws://server/ws', options: OPTIONS, WebSocket: FakeSocket, random: () => 0.5, ...config,
  });
  client.connect();
  return client;
}

beforeEach(() => void (FakeSocket.opened = []));

test('the first frame asks for a session, with the options and no more', (t) => {
  started(t);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [{type: 'connection_request', data: OPTIONS}]);
  assert.deepEqual([FakeSocket.last.url, FakeSocket.last.protocols], ['ws://server/ws', []]);
});

test('a key is shown as a subprotocol, in base64url', (t) => {
  const client = started(t, {key: 'sayso_ü?>'});
  const encoded = Buffer.from('sayso_ü?>').toString('base64url');
  assert.deepEqual(FakeSocket.last.protocols, ['sayso.v1', `sayso.key.${encoded}`]);
  FakeSocket.last.drop(4001);
  assert.equal(client.state.phase, 'closed');
  client.setKey(undefined);
  client.connect();
  assert.deepEqual(FakeSocket.last.protocols, []);
});

test('audio of before the connection is sent once it is open', (t) => {
  const client = started(t);
  client.sendAudio(samples(1, 2));
  FakeSocket.last.accept();
  client.sendAudio(samples(3));
  assert.deepEqual(FakeSocket.last.audio, [1, 0, 2, 0, 3, 0]);
  assert.equal(client.samples, 3);
});

test('a typed command is refused while there is no connection', (t) => {
  const client = started(t);
  assert.equal(client.sendText('hello'), false);
  FakeSocket.last.accept();
  assert.equal(client.sendText('hello'), true);
  assert.deepEqual(FakeSocket.last.sent.at(-1), {type: 'text', data: {text: 'hello'}});
});

test('a lost session is resumed at the last event and at the sample that the server has', (t) => {
  const client = started(t);
  FakeSocket.last.accept({resume_token: 'first'});
  client.sendAudio(samples(1, 2, 3));
  FakeSocket.last.tell('reply', {turn_id: 't', text: 'yes'}, 7);
  FakeSocket.last.drop(1006);
  assert.deepEqual(client.state, {phase: 'waiting', code: 1006, reason: '', retryAt: 1_000_250});
  client.sendAudio(samples(4));
  t.mock.timers.tick(250);
  FakeSocket.last.accept({resume_token: 'second', resumed: true, received_samples: 2}, 8);
  assert.equal(FakeSocket.opened.length, 2);
  assert.deepEqual(FakeSocket.last.sent[0].data.resume, {token: 'first', last_seq: 7});
  assert.deepEqual(FakeSocket.last.audio, [3, 0, 4, 0]);
});

test('what was said to a session that is gone is not said to the next one', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  client.sendAudio(samples(1));
  FakeSocket.last.drop(1006);
  client.sendAudio(samples(2));
  client.startAudio();
  t.mock.timers.tick(250);
  FakeSocket.last.accept({resumed: false});
  assert.deepEqual(FakeSocket.last.audio, []);
  client.sendAudio(samples(3));
  assert.deepEqual(FakeSocket.last.audio, [3, 0]);
});

test('the events of a new session are counted anew', (t) => {
  started(t);
  FakeSocket.last.accept({}, 1);
  FakeSocket.last.tell('status', {}, 90);
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(250);
  FakeSocket.last.accept({resumed: false}, 1);
  FakeSocket.last.tell('status', {}, 2);
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(1_000);
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.sent[0].data.resume.last_seq, 2);
});

test('a full server is asked again after the time that it named, and not earlier', (t) => {
  const client = started(t);
  FakeSocket.last.open();
  FakeSocket.last.tell('connection_refused', {reason: 'all places are taken', retry_after_ms: 4_000});
  FakeSocket.last.drop(1013);
  assert.deepEqual(client.state, {phase: 'waiting', code: 1013, reason: 'all places are taken', retryAt: 1_004_250});
  client.wake();
  t.mock.timers.tick(4_249);
  assert.equal(FakeSocket.opened.length, 1);
  t.mock.timers.tick(1);
  assert.equal(FakeSocket.opened.length, 2);
});

test('a server that leaves is come back to with the token that it gave', (t) => {
  started(t);
  FakeSocket.last.accept();
  FakeSocket.last.tell('going_away', {reason: 'deploy', deadline_ms: 1, resume_token: 'next', retry_after_ms: 2_000}, 2);
  FakeSocket.last.drop(1012);
  t.mock.timers.tick(2_250);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent[0].data.resume, {token: 'next', last_seq: 2});
});

test('a lost client asks once for the replica that it was at, and not for one that leaves', (t) => {
  started(t, {url: 'ws://server/ws?x=1'});
  FakeSocket.last.accept({server: {name: 'sayso', version: '1', replica: 'one & all'}});
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(250);
  assert.equal(FakeSocket.last.url, 'ws://server/ws?x=1&at=one%20%26%20all');
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(500);
  assert.equal(FakeSocket.last.url, 'ws://server/ws?x=1');
  FakeSocket.last.accept({resumed: true, server: {name: 'sayso', version: '1', replica: 'two'}});
  FakeSocket.last.tell('going_away', {reason: 'deploy', deadline_ms: 1, resume_token: 'next', retry_after_ms: 0}, 2);
  FakeSocket.last.drop(1012);
  t.mock.timers.tick(2_000);
  assert.equal(FakeSocket.opened.length, 4);
  assert.equal(FakeSocket.last.url, 'ws://server/ws?x=1');
});

test('when the network is back the next try is made at once', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  FakeSocket.last.drop(1006);
  client.wake();
  assert.equal(FakeSocket.opened.length, 2);
  t.mock.timers.tick(250);
  assert.equal(FakeSocket.opened.length, 2);
});

test('an open connection that was silent while the page was away is replaced when it comes back', (t) => {
  const client = started(t);
  const [first] = FakeSocket.opened;
  first.accept();
  client.wake();
  assert.equal(client.state.phase, 'open');
  t.mock.timers.setTime(1_000_000 + SILENCE_MS - 1);
  client.wake();
  assert.equal(first.closedWith, 4000);
  assert.deepEqual([client.state.phase, FakeSocket.opened.length], ['connecting', 2]);
});

test('a connection without a sign of life is opened again', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  t.mock.timers.tick(SILENCE_MS - 1);
  FakeSocket.last.tell('status', {}, 2);
  t.mock.timers.tick(SILENCE_MS - 1);
  assert.equal(client.state.phase, 'open');
  t.mock.timers.tick(1);
  assert.equal(client.state.reason, 'no sign of the server');
  t.mock.timers.tick(250);
  assert.equal(FakeSocket.opened.length, 2);
});

test('a server that does not answer is tried again', (t) => {
  const client = started(t);
  FakeSocket.last.open();
  t.mock.timers.tick(OPENING_MS);
  assert.deepEqual([client.state.phase, client.state.reason], ['waiting', 'the server does not answer']);
});

test('a session that another window took over is not fetched back until the user says so', (t) => {
  const client = started(t);
  FakeSocket.last.accept({resume_token: 'mine'});
  FakeSocket.last.drop(4090);
  t.mock.timers.tick(60_000);
  client.wake();
  assert.deepEqual([client.state.phase, client.state.code, FakeSocket.opened.length], ['closed', 4090, 1]);
  client.connect();
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.sent[0].data.resume.token, 'mine');
});

test('a fatal error says why the connection was closed', (t) => {
  const client = started(t);
  FakeSocket.last.open();
  FakeSocket.last.tell('error', {code: 'bad_field', message: 'client_id must be shorter', fatal: true});
  FakeSocket.last.drop(1008);
  assert.deepEqual(client.state, {phase: 'closed', code: 1008, reason: 'client_id must be shorter'});
});

test('a session that ended well leaves no audio and no token for the next one', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  client.sendAudio(samples(1));
  client.bye();
  assert.deepEqual(FakeSocket.last.sent.at(-1), {type: 'bye', data: {}});
  FakeSocket.last.drop(1000);
  assert.equal(client.sendAudio(samples(2)), false);
  client.connect();
  FakeSocket.last.accept();
  assert.deepEqual(FakeSocket.last.sent, [{type: 'connection_request', data: OPTIONS}]);
  assert.equal(client.samples, 0);
});

test('a connection that is lost while it says goodbye is not opened again', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  client.bye();
  FakeSocket.last.drop(1006);
  assert.equal(client.state.phase, 'closed');
});

test('changed options hold for the next connection, and the voice is told to a new session again', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  client.update({language: 'de', voice: 'thorsten'});
  assert.deepEqual(FakeSocket.last.sent.at(-1), {type: 'session_update', data: {language: 'de', voice: 'thorsten'}});
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(250);
  FakeSocket.last.accept({resumed: false});
  assert.equal(FakeSocket.last.sent[0].data.language, 'de');
  assert.deepEqual(FakeSocket.last.sent.at(-1), {type: 'session_update', data: {voice: 'thorsten'}});
});

test('speech comes with the turn and the rate that it was announced with, after a resumption too', (t) => {
  const client = started(t);
  const heard = [];
  client.on('speech_audio', ({turn_id, sample_rate, data}) => heard.push([turn_id, sample_rate, data.byteLength]));
  FakeSocket.last.accept();
  FakeSocket.last.tell('speech_audio_start', {turn_id: 't1', format: 'pcm_s16le', sample_rate: 22_050}, 2);
  FakeSocket.last.onmessage({data: new ArrayBuffer(8)});
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(250);
  FakeSocket.last.accept({resumed: true}, 3);
  FakeSocket.last.onmessage({data: new ArrayBuffer(4)});
  assert.deepEqual(heard, [['t1', 22_050, 8], ['t1', 22_050, 4]]);
});

test('audio waits where it is counted when the socket is slow', (t) => {
  const client = started(t);
  FakeSocket.last.accept();
  FakeSocket.last.bufferedAmount = 100_000;
  client.sendAudio(samples(1));
  assert.deepEqual(FakeSocket.last.audio, []);
  FakeSocket.last.bufferedAmount = 0;
  t.mock.timers.tick(50);
  assert.deepEqual(FakeSocket.last.audio, [1, 0]);
});

test('more audio than is kept is refused', (t) => {
  const client = started(t, {keptS: 1});
  assert.equal(client.sendAudio(new Uint8Array(2 * 16_000)), true);
  assert.equal(client.sendAudio(new Uint8Array(2)), false);
});

test('a frame that is no JSON ends the session and says so', (t) => {
  const client = started(t);
  FakeSocket.last.open();
  FakeSocket.last.onmessage({data: '<html>'});
  assert.deepEqual([client.state.phase, client.state.reason], ['closed', 'the server speaks another protocol']);
});

test('unknown events are passed on and hurt nothing', (t) => {
  const client = started(t);
  const frames = [];
  client.on('frame', ({type}) => frames.push(type));
  FakeSocket.last.accept();
  FakeSocket.last.tell('weather', {}, 2);
  assert.deepEqual(frames, ['connection_accepted', 'weather']);
});

test('what is sent is told to who keeps a log, and audio is not', (t) => {
  const client = started(t);
  const seen = [];
  client.on('sent', ({type, data}) => seen.push([type, data]));
  FakeSocket.last.accept();
  client.startAudio();
  client.sendAudio(samples(1));
  client.sendText('hello');
  assert.deepEqual(seen, [['connection_request', OPTIONS], ['audio_start', {}], ['text', {text: 'hello'}]]);
});

test('an option that the server refuses is left out of the next connection', (t) => {
  const client = started(t, {options: {...OPTIONS, stt_model: 'gone', wake: 'hey'}});
  FakeSocket.last.open();
  client.forget('stt_model');
  FakeSocket.last.drop(1006);
  t.mock.timers.tick(30_000);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [{type: 'connection_request', data: {...OPTIONS, wake: 'hey'}}]);
});

test('a listener that was taken away hears nothing', (t) => {
  const client = started(t);
  const heard = [];
  const stop = client.on('status', () => heard.push('status'));
  FakeSocket.last.accept();
  stop();
  FakeSocket.last.tell('status', {}, 2);
  assert.deepEqual(heard, []);
});

test('waits begin small again after a connection that lasted', (t) => {
  const client = started(t);
  for (const expected of [250, 500]) {
    FakeSocket.last.drop(1006);
    assert.equal(client.state.retryAt - Date.now(), expected);
    t.mock.timers.tick(expected);
  }
  FakeSocket.last.accept();
  t.mock.timers.tick(10_000);
  FakeSocket.last.drop(1006);
  assert.equal(client.state.retryAt - Date.now(), 250);
});
