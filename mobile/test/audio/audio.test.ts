import {durationMs, fromPcm, silenceLike, toPcm} from '../../src/audio/pcm.ts';
import {PlaybackClock} from '../../src/audio/playback-clock.ts';
import {MicrophoneError, problemOf} from '../../src/audio/port.ts';
import {routeOf} from '../../src/audio/route.ts';

test('floats become samples, clipped, with their peak', () => {
  const {pcm, peak} = toPcm(Float32Array.of(0, 0.5, -2, 1));
  expect([...new Int16Array(pcm.buffer)]).toEqual([0, 16_384, -32_767, 32_767]);
  expect(peak).toBe(1);
  expect(toPcm(new Float32Array(0))).toEqual({pcm: new Uint8Array(0), peak: 0});
});

test('samples become floats, and half a sample is left out', () => {
  expect([...fromPcm(Int16Array.of(0, 16_384, -32_768).buffer)]).toEqual([0, 0.5, -1]);
  expect(fromPcm(new ArrayBuffer(3))).toHaveLength(1);
  expect(fromPcm(new ArrayBuffer(1))).toHaveLength(0);
});

test('silence is as long as what it takes the place of', () => {
  expect(silenceLike(Uint8Array.of(1, 2, 3, 4))).toEqual(new Uint8Array(4));
  expect(durationMs(new ArrayBuffer(44_100), 22_050)).toBe(1_000);
});

test('what is queued is played at once, without gaps', () => {
  const clock = new PlaybackClock();
  clock.queue(100, 1_000);
  clock.queue(100, 1_050);
  expect([clock.endsAt, clock.isPlaying(1_199), clock.isPlaying(1_200)]).toEqual([1_200, true, false]);
  expect([clock.heardMs(1_000), clock.heardMs(1_150), clock.heardMs(9_000)]).toEqual([0, 150, 200]);
});

test('after a gap what was heard goes on from where it was', () => {
  const clock = new PlaybackClock();
  clock.queue(100, 0);
  clock.queue(50, 500);
  expect([clock.heardMs(400), clock.heardMs(520), clock.heardMs(600)]).toEqual([100, 120, 150]);
});

test('what is dropped was not heard', () => {
  const clock = new PlaybackClock();
  clock.queue(1_000, 0);
  clock.flush(300);
  expect([clock.heardMs(9_000), clock.isPlaying(300)]).toEqual([300, false]);
  clock.flush(400);
  expect(clock.heardMs(9_000)).toBe(300);
  clock.queue(100, 500);
  expect(clock.heardMs(550)).toBe(350);
  clock.reset();
  expect([clock.heardMs(9_000), clock.isPlaying(0)]).toEqual([0, false]);
});

const device = (category: string, name = '') => ({category, name});

test.each([
  ['headphones', [device('Headphones')], [device('Speaker')]],
  ['headphones', [device('BluetoothHFP', 'AirPods')], []],
  ['loudspeaker', [device('Speaker')], [device('Headphones')]],
  ['headphones', [], [device('Built-in Earpiece'), device('Built-in Speaker'), device('Wired Headset')]],
  ['headphones', [], [device('Built-in Speaker'), device('Bluetooth A2DP')]],
  ['loudspeaker', [], [device('Built-in Earpiece'), device('Built-in Speaker')]],
  ['unknown', [], []],
  ['unknown', [device('CarAudio')], []],
] as const)('the sound comes out of %s', (route, current, available) => {
  expect(routeOf(current, available)).toBe(route);
});

test('only a failed microphone is a problem of the microphone', () => {
  expect(problemOf(new MicrophoneError('busy'))).toBe('busy');
  expect(() => problemOf(new TypeError('a fault of ours'))).toThrow('a fault of ours');
});
