import {SILENCE_MS} from '@sayso/client';
import {MAX_TURNS} from '../../src/model/conversation.ts';
import {fakeTime, FakeSocket, opened, settled, type World} from '../fakes.ts';

beforeEach(() => void fakeTime());
afterEach(() => void jest.useRealTimers());

async function listening(options: Parameters<typeof opened>[0] = {}): Promise<World> {
  const world = await opened(options);
  FakeSocket.last.accept();
  await world.app.talk.toggleListening();
  return world;
}

const activity = ({app}: World) => app.talk.activity(Date.now());
const speechOf = (world: World, samples = 100) => {
  FakeSocket.last.tell('speech_audio_start', {turn_id: '1', format: 'pcm_s16le', sample_rate: 22_050});
  FakeSocket.last.speak(samples);
  return world.audio();
};

test('the first frame tells the server who this is and what it wants', async () => {
  await opened({preferences: {clientId: 'phone-abcd1234', language: 'de', speak: false, mode: 'push_to_talk'}});
  FakeSocket.last.accept();
  expect(FakeSocket.last.url).toBe('ws://192.168.0.7:8000/ws');
  expect(FakeSocket.last.protocols[1]).toMatch(/^sayso\.key\./);
  expect(FakeSocket.last.events[0]).toEqual({
    type: 'connection_request',
    data: {
      client_id: 'phone-abcd1234', capabilities: ['stt', 'llm', 'tools'], mode: 'push_to_talk', interim: true, language: 'de',
      audio: {format: 'pcm_s16le', sample_rate: 16_000, channels: 1},
    },
  });
});

test('what the microphone hears is sent, and the level is shown', async () => {
  const world = await listening();
  world.audio().hear(1, 2);
  expect(FakeSocket.last.audio).toEqual([1, 2]);
  expect(world.app.talk.levels.all().at(-1)).toBe(0.5);
  expect(activity(world)).toBe('listening');
});

// --- half and full duplex ------------------------------------------------------------------------

test('on the loudspeaker silence of the same length is sent while an answer sounds, and a little longer', async () => {
  const world = await listening();
  speechOf(world);
  world.audio().hear(1, 2, 3, 4);
  world.audio().finish();
  jest.setSystemTime(Date.now() + 299);
  world.audio().hear(5, 6);
  jest.setSystemTime(Date.now() + 1);
  world.audio().hear(7, 8);
  expect(FakeSocket.last.audio).toEqual([0, 0, 0, 0, 0, 0, 7, 8]);
  expect(world.app.talk.isHalfDuplex).toBe(true);
});

test('with headphones the user may speak into the answer', async () => {
  const world = await listening();
  world.audio().route = 'headphones';
  world.audio().listeners.onRoute('headphones');
  speechOf(world).hear(1, 2);
  expect(FakeSocket.last.audio).toEqual([1, 2]);
  expect(world.app.talk.store.get().route).toBe('headphones');
});

test.each([['always', 'loudspeaker', [1, 2]], ['never', 'headphones', [0, 0]]] as const)('who chose %s has it, on %s', async (policy, route, sent) => {
  const world = await listening({preferences: {policy}});
  world.audio().route = route;
  speechOf(world).hear(1, 2);
  expect(FakeSocket.last.audio).toEqual(sent);
});

test('a tap interrupts the answer with what was heard of it, and the microphone is open at once', async () => {
  const world = await listening();
  speechOf(world).heardMs = 812.4;
  world.app.talk.interrupt();
  world.audio().hear(1, 2);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'interrupt', data: {heard_ms: 812}});
  expect(FakeSocket.last.audio).toEqual([1, 2]);
  expect(world.audio().done.at(-1)).toBe('flush');
});

test('an interruption before any sound does not say what was heard', async () => {
  const world = await listening();
  world.app.talk.interrupt();
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'interrupt', data: {}});
});

test('the answer is softer while the user may be speaking, and ends when the server says so', async () => {
  const world = await listening();
  speechOf(world);
  FakeSocket.last.tell('speech_started', {turn_id: '2', at_ms: 0});
  FakeSocket.last.tell('no_speech', {turn_id: '2', reason: 'noise'});
  FakeSocket.last.tell('speech_audio_paused', {turn_id: '1'});
  FakeSocket.last.tell('turn_completed', {turn_id: '1', outcome: 'interrupted', latency_ms: {}});
  expect(world.audio().done.slice(-7)).toEqual(['start 22050', 'play 200', 'duck', 'unduck', 'flush', 'unduck', 'flush']);
});

// --- push-to-talk --------------------------------------------------------------------------------

test('a held button sends what is said between its press and its release', async () => {
  const world = await opened({preferences: {mode: 'push_to_talk'}});
  FakeSocket.last.accept();
  await world.app.talk.press();
  world.audio().hear(1, 2);
  world.app.talk.release();
  world.audio().hear(3, 4);
  expect(FakeSocket.last.audio).toEqual([1, 2]);
  expect(FakeSocket.last.events.slice(1).map(({type}) => type)).toEqual(['audio_start', 'audio_end']);
});

test('a button that is pressed into an answer ends it first', async () => {
  const world = await opened({preferences: {mode: 'push_to_talk'}});
  FakeSocket.last.accept();
  speechOf(world).heardMs = 50;
  await world.app.talk.press();
  world.audio().hear(1, 2);
  expect(FakeSocket.last.events.slice(1).map(({type}) => type)).toEqual(['interrupt', 'audio_start']);
  expect(FakeSocket.last.audio).toEqual([1, 2]);
});

test('a button that is released before the permission came sends nothing', async () => {
  const world = await opened({preferences: {mode: 'push_to_talk'}});
  FakeSocket.last.accept();
  world.audio().isAsking = true;
  const pressed = world.app.talk.press();
  await settled();
  world.app.talk.release();
  world.audio().answer?.();
  await pressed;
  expect(FakeSocket.last.events).toHaveLength(1);
  expect(world.app.talk.store.get()).toMatchObject({isPressed: false, microphone: 'on'});
});

// --- the microphone ------------------------------------------------------------------------------

test.each(['denied', 'busy', 'none'] as const)('without a microphone (%s) the app says so, and typing works', async (problem) => {
  const world = await opened();
  FakeSocket.last.accept();
  world.audio().problem = problem;
  await world.app.talk.toggleListening();
  expect(world.app.talk.trouble()).toMatchObject({kind: problem});
  expect(world.app.talk.store.get().microphone).toBe('off');
  expect(world.app.talk.type('hello')).toBe(true);
  world.audio().problem = undefined;
  await world.app.talk.toggleListening();
  expect(world.app.talk.trouble()).toBeUndefined();
});

test('who thinks better of it while the permission is asked for is not listened to', async () => {
  const world = await opened();
  FakeSocket.last.accept();
  world.audio().isAsking = true;
  const asked = world.app.talk.toggleListening();
  await settled();
  await world.app.talk.toggleListening();
  world.audio().answer?.();
  await asked;
  await settled();
  expect(world.app.talk.store.get().microphone).toBe('off');
  expect(world.audio().microphone).toBeUndefined();
});

test('on, off and on again while the permission is asked for opens one microphone', async () => {
  const world = await opened();
  FakeSocket.last.accept();
  world.audio().isAsking = true;
  const asked = [world.app.talk.toggleListening()];
  await settled();
  asked.push(world.app.talk.toggleListening(), world.app.talk.toggleListening());
  world.audio().isAsking = false;
  world.audio().answer?.();
  await Promise.all(asked);
  expect(world.audio().done).toEqual(['flush', 'open', 'close', 'open']);
  expect(world.app.talk.store.get().microphone).toBe('on');
});

test('a permission that is refused after the user has turned away is no trouble', async () => {
  const world = await opened();
  FakeSocket.last.accept();
  world.audio().isAsking = true;
  const asked = world.app.talk.toggleListening();
  await settled();
  await world.app.talk.toggleListening();
  world.audio().problem = 'denied';
  world.audio().answer?.();
  await asked;
  expect(world.app.talk.trouble()).toBeUndefined();
});

test('a microphone that is unplugged is off, and the app says so', async () => {
  const world = await listening();
  world.audio().listeners.onMicrophoneEnded();
  expect(world.app.talk.store.get()).toMatchObject({microphone: 'off', microphoneProblem: 'unplugged'});
});

test('the stop of the notification stops it', async () => {
  const world = await listening({preferences: {background: true}});
  expect(world.audio().microphone).toMatchObject({isInBackground: true, notice: {title: 'sayso listens'}});
  world.audio().listeners.onStopped();
  await settled();
  expect(world.audio().microphone).toBeUndefined();
});

// --- the phone around it -------------------------------------------------------------------------

test('a call ends the answer and takes the microphone, which comes back after it', async () => {
  const world = await listening();
  speechOf(world).heardMs = 100;
  world.audio().listeners.onInterruption(true);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'interrupt', data: {heard_ms: 100}});
  expect(world.app.talk.store.get()).toMatchObject({microphone: 'taken', isPlaying: false});
  await settled();
  expect(world.audio().microphone).toBeUndefined();
  world.audio().listeners.onInterruption(false);
  await settled();
  expect(world.app.talk.store.get().microphone).toBe('on');
});

test('a call while a button is held ends what was said', async () => {
  const world = await opened({preferences: {mode: 'push_to_talk'}});
  FakeSocket.last.accept();
  await world.app.talk.press();
  world.audio().listeners.onInterruption(true);
  expect(FakeSocket.last.events.at(-1)?.type).toBe('audio_end');
});

test('the end of a call does not open a microphone that was off', async () => {
  const world = await opened();
  FakeSocket.last.accept();
  world.audio().listeners.onInterruption(true);
  world.audio().listeners.onInterruption(false);
  await settled();
  expect(world.audio().done).not.toContain('open');
});

test('where the phone does not say that a call is over, coming back to the app opens the microphone', async () => {
  const world = await listening();
  world.audio().listeners.onInterruption(true);
  world.phone.toFront(true);
  await settled();
  expect(world.app.talk.store.get().microphone).toBe('on');
});

test.each([[false, 'off'], [true, 'on']] as const)('behind other apps, with the choice %p, the microphone is %s', async (background, microphone) => {
  const world = await listening({preferences: {background}});
  world.phone.toFront(false);
  expect(world.app.talk.store.get().microphone).toBe(microphone);
});

test('an app that comes back after an hour opens its session anew, and what was open is lost', async () => {
  const world = await listening();
  FakeSocket.last.tell('transcript', {turn_id: '1', text: 'Tell me a story', language: 'en'});
  world.phone.toFront(false);
  jest.setSystemTime(Date.now() + 3_600_000); // the system held the timers, too
  world.phone.toFront(true);
  expect(FakeSocket.opened).toHaveLength(2);
  FakeSocket.last.accept({resumed: false});
  expect(FakeSocket.last.events[0]).toMatchObject({data: {resume: {token: 'token'}}});
  expect(world.app.talk.store.get().conversation.turns).toMatchObject([{said: 'Tell me a story', outcome: 'lost'}]);
  expect(activity(world)).toBe('ready');
});

test('a connection that rested comes back with the app, and one that another device took does not', async () => {
  const world = await listening();
  FakeSocket.last.drop(4008);
  expect(world.app.talk.trouble()).toMatchObject({kind: 'idle'});
  world.phone.toFront(true);
  expect(FakeSocket.opened).toHaveLength(2);
  FakeSocket.last.accept();
  FakeSocket.last.drop(4090);
  world.phone.toFront(true);
  expect(FakeSocket.opened).toHaveLength(2);
  expect(world.app.talk.trouble()).toMatchObject({kind: 'replaced', action: 'use_here'});
});

test('without a network it says so, and comes back with it at once', async () => {
  const world = await listening();
  world.phone.setOnline(false);
  FakeSocket.last.drop(1006, 'Software caused connection abort');
  expect(world.app.talk.trouble()).toMatchObject({kind: 'offline', action: 'try_now'});
  world.phone.setOnline(true);
  expect(FakeSocket.opened).toHaveLength(2);
  FakeSocket.last.accept({resumed: true});
  expect(world.app.talk.trouble()).toBeUndefined();
});

test('audio of the time without a connection is sent once it is back', async () => {
  const world = await listening();
  world.audio().hear(1, 2);
  FakeSocket.last.drop(1006);
  world.audio().hear(3, 4);
  world.app.talk.connect();
  FakeSocket.last.accept({resumed: true, received_samples: 1});
  expect(FakeSocket.last.audio).toEqual([3, 4]);
});

test('a server that is silent counts as lost', async () => {
  const world = await listening();
  jest.advanceTimersByTime(SILENCE_MS);
  expect(world.app.talk.trouble()).toMatchObject({kind: 'away', reason: 'no sign of the server'});
});

// --- servers that say no -------------------------------------------------------------------------

test('a server of a newer protocol is left, with the reason', async () => {
  const world = await opened();
  FakeSocket.last.accept({protocol: 2});
  expect(world.app.talk.trouble()).toMatchObject({kind: 'newer'});
  expect(FakeSocket.last.closedWith).toBe(1000);
  jest.advanceTimersByTime(60_000);
  expect(FakeSocket.opened).toHaveLength(1);
});

test.each([[4001, ''], [1006, "Expected HTTP 101 response but was '401 Unauthorized'"]])(
  'a wrong key (%i %s) is not tried again', async (code, reason) => {
    const world = await opened();
    FakeSocket.last.drop(code, reason);
    expect(world.app.talk.trouble()).toMatchObject({kind: 'key', action: 'open_server'});
    jest.advanceTimersByTime(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
  },
);

test('a full server is tried again after the time that it names, or when the user says so', async () => {
  const world = await opened();
  FakeSocket.last.readyState = 1;
  FakeSocket.last.tell('connection_refused', {reason: 'all places are taken', retry_after_ms: 9_000});
  FakeSocket.last.drop(1013);
  expect(world.app.talk.trouble()).toMatchObject({kind: 'full', reason: 'all places are taken'});
  jest.advanceTimersByTime(8_999);
  expect(FakeSocket.opened).toHaveLength(1);
  world.app.talk.connect();
  expect(FakeSocket.opened).toHaveLength(2);
});

test('something that is no sayso is left', async () => {
  const world = await opened();
  FakeSocket.last.onmessage?.({data: '<html>'});
  expect(world.app.talk.trouble()).toMatchObject({kind: 'trouble', reason: 'the server speaks another protocol'});
});

// --- typing, questions, choices ------------------------------------------------------------------

test('typed words are refused without a connection, and sent when one that rests is back', async () => {
  const world = await opened();
  expect(world.app.talk.type('too early')).toBe(false);
  expect(world.app.talk.store.get().conversation.notice).toEqual({kind: 'not_sent'});
  FakeSocket.last.accept();
  FakeSocket.last.drop(4008);
  expect(world.app.talk.type('what time is it')).toBe(true);
  FakeSocket.last.accept();
  await settled();
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'text', data: {text: 'what time is it'}});
  expect(world.app.talk.store.get().conversation.typed).toEqual(['what time is it']);
});

test('a yes goes to the call that was asked about', async () => {
  const world = await listening();
  FakeSocket.last.tell('confirm_request', {turn_id: '1', call_id: 'c7', server: 'home', tool: 'unlock', arguments: {}, say: 'Unlock?', expires_in_s: 20});
  expect(activity(world)).toBe('asking');
  world.app.talk.confirm('c7', true);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'confirm', data: {call_id: 'c7', approve: true}});
});

test('choices hold at once', async () => {
  const world = await listening();
  speechOf(world);
  world.app.choose({speak: false, language: 'de', mode: 'push_to_talk'});
  world.app.choose({language: undefined});
  expect(FakeSocket.last.events.slice(1)).toEqual([
    {type: 'session_update', data: {capabilities: ['stt', 'llm', 'tools']}}, {type: 'session_update', data: {mode: 'push_to_talk'}},
    {type: 'session_update', data: {language: 'de'}}, {type: 'session_update', data: {language: 'auto'}},
  ]);
  expect(world.app.talk.store.get()).toMatchObject({microphone: 'off', isPlaying: false});
});

test('what is felt: words that begin and end, a question, a fault; nothing if that is switched off', async () => {
  const world = await listening();
  FakeSocket.last.tell('speech_started', {turn_id: '1', at_ms: 0});
  FakeSocket.last.tell('speech_stopped', {turn_id: '1', at_ms: 9, reason: 'silence'});
  FakeSocket.last.tell('confirm_request', {turn_id: '1', call_id: 'c', server: 's', tool: 't', arguments: {}, say: '?', expires_in_s: 20});
  FakeSocket.last.tell('error', {code: 'turn_failed', message: 'no', fatal: false, turn_id: '1'});
  expect(world.phone.felt).toEqual(['began', 'ended', 'question', 'failed']);
  world.app.choose({haptics: false});
  FakeSocket.last.tell('speech_started', {turn_id: '2', at_ms: 0});
  expect(world.phone.felt).toHaveLength(4);
});

test('a long conversation stays within bounds', async () => {
  const world = await listening();
  for (let at = 0; at < 1_000; at += 1) FakeSocket.last.tell('transcript', {turn_id: `${at}`, text: `${at}`, language: 'en'});
  expect(world.app.talk.store.get().conversation.turns).toHaveLength(MAX_TURNS);
});

test('closed, it lets go of the socket and of the sound', async () => {
  const world = await listening();
  world.app.close();
  expect(FakeSocket.last.closedWith).toBe(1000);
  expect(world.audio().done.at(-1)).toBe('closed');
});
