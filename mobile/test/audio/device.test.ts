/** The sound of phones, over a react-native-audio-api that the test plays. */

import {Platform} from 'react-native';
import {openAudio} from '../../src/audio/device.ts';
import type {AudioListeners, AudioPort} from '../../src/audio/port.ts';

type Listener = (event: never) => void;
const mockNative = {
  permission: 'Granted', outputs: [{category: 'Speaker', name: 'Speaker'}], started: {status: 'success'} as object, isSessionRefused: false,
  events: new Map<string, Listener>(), frames: undefined as ((event: object) => void) | undefined, failed: undefined as (() => void) | undefined,
  done: [] as string[],
};

jest.mock('react-native-audio-api', () => ({
  AudioManager: {
    observeAudioInterruptions: (isOn: boolean) => mockNative.done.push(`observe ${isOn}`),
    addSystemEventListener: (name: string, listener: Listener) => {
      mockNative.events.set(name, listener);
      return {remove: () => mockNative.events.delete(name)};
    },
    getDevicesInfo: async () => ({currentOutputs: mockNative.outputs, availableOutputs: []}),
    requestRecordingPermissions: async () => mockNative.permission,
    requestNotificationPermissions: async () => 'Denied',
    setAudioSessionOptions: () => undefined,
    setAudioSessionActivity: async (isOn: boolean) => {
      if (mockNative.isSessionRefused) throw new Error('a call goes on');
      mockNative.done.push(`session ${isOn}`);
    },
  },
  RecordingNotificationManager: {
    addEventListener: (name: string, listener: Listener) => {
      mockNative.events.set(name, listener);
      return {remove: () => mockNative.events.delete(name)};
    },
    show: async ({title}: {title: string}) => mockNative.done.push(`show ${title}`),
    hide: async () => mockNative.done.push('hide'),
    isActive: async () => true,
  },
  AudioRecorder: class {
    onAudioReady(_format: object, listener: (event: object) => void) {
      mockNative.frames = listener;
    }
    onError(listener: () => void) {
      mockNative.failed = listener;
    }
    clearOnAudioReady() {
      mockNative.frames = undefined;
    }
    clearOnError() {
      mockNative.failed = undefined;
    }
    start = async () => mockNative.started;
    stop = async () => mockNative.done.push('stop');
  },
  AudioContext: class {
    destination = {};
    constructor({sampleRate}: {sampleRate: number}) {
      mockNative.done.push(`context ${sampleRate}`);
    }
    createGain = () => ({connect: () => undefined, gain: {set value(value: number) { mockNative.done.push(`gain ${value}`); }}});
    createBufferQueueSource = () => ({
      connect: () => undefined, start: () => undefined, clearBuffers: () => mockNative.done.push('clear'),
      enqueueBuffer: ({length}: {length: number}) => mockNative.done.push(`queue ${length}`),
    });
    createBuffer = (_channels: number, length: number) => ({length, copyToChannel: () => undefined});
    resume = async () => undefined;
    close = async () => undefined;
  },
}));

const notice = {title: 'sayso listens', text: 'Say it.', stop: 'Stop'};
let audio: AudioPort;
let told: string[];
let frames: number[];
const request = (isInBackground = false) => ({notice, isInBackground, onFrame: (pcm: Uint8Array) => void frames.push(...pcm)});
const settled = () => jest.advanceTimersByTimeAsync(0);

beforeEach(async () => {
  jest.useFakeTimers({now: 0});
  jest.replaceProperty(Platform, 'OS', 'android');
  Object.assign(mockNative, {permission: 'Granted', outputs: [{category: 'Speaker', name: ''}], started: {status: 'success'}, isSessionRefused: false, done: []});
  [told, frames] = [[], []];
  const listeners: AudioListeners = {
    onPlaying: (isPlaying) => told.push(`playing ${isPlaying}`), onRoute: (route) => told.push(route), onInterruption: (isTaken) => told.push(`taken ${isTaken}`),
    onMicrophoneEnded: () => told.push('ended'), onStopped: () => told.push('stopped'),
  };
  audio = openAudio(listeners);
  await settled();
});

afterEach(() => {
  audio.close();
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test('the microphone gives samples until it is closed', async () => {
  await audio.openMicrophone(request());
  mockNative.frames?.({buffer: {getChannelData: () => Float32Array.of(0, 1)}});
  expect(frames).toEqual([0, 0, 255, 127]);
  await audio.closeMicrophone();
  expect(mockNative.frames).toBeUndefined();
  expect(mockNative.done).toContain('stop');
});

test('a microphone that is not allowed is an error with that name, and nothing is opened', async () => {
  mockNative.permission = 'Denied';
  await expect(audio.openMicrophone(request())).rejects.toMatchObject({problem: 'denied'});
  expect(mockNative.done).not.toContain('session true');
});

test('a microphone in a call is busy, and the notification goes', async () => {
  mockNative.isSessionRefused = true;
  await expect(audio.openMicrophone(request(true))).rejects.toMatchObject({problem: 'busy'});
  mockNative.isSessionRefused = false;
  mockNative.started = {status: 'error', message: 'no'};
  await expect(audio.openMicrophone(request(true))).rejects.toMatchObject({problem: 'busy'});
  expect(mockNative.done.filter((one) => one !== 'observe true')).toEqual(['hide', 'session true', 'show sayso listens', 'hide']);
  expect(mockNative.frames).toBeUndefined();
});

test('a notification keeps it alive behind other apps, if that is wanted', async () => {
  await audio.openMicrophone(request(false));
  expect(mockNative.done.join()).not.toContain('show');
  await audio.openMicrophone(request(true));
  expect(mockNative.done).toContain('show sayso listens');
});

test('an answer sounds until its samples are played, by the clock', async () => {
  audio.startSpeech(1_000);
  audio.play(new ArrayBuffer(200));
  audio.play(new ArrayBuffer(200));
  audio.play(new ArrayBuffer(1));
  await jest.advanceTimersByTimeAsync(150);
  expect([told, audio.heardMs]).toEqual([['loudspeaker', 'playing true'], 150]);
  await jest.advanceTimersByTimeAsync(50);
  expect([told.at(-1), audio.heardMs]).toEqual(['playing false', 200]);
  expect(mockNative.done.filter((one) => /context|queue/.test(one))).toEqual(['context 1000', 'queue 100', 'queue 100']);
});

test('what was not played is dropped at once', async () => {
  audio.startSpeech(1_000);
  audio.play(new ArrayBuffer(2_000));
  await jest.advanceTimersByTimeAsync(300);
  audio.duck();
  audio.flush();
  expect([told.at(-1), audio.heardMs]).toEqual(['playing false', 300]);
  expect(mockNative.done.slice(-3)).toEqual(['gain 0.25', 'clear', 'gain 1']);
});

test('an answer at the same rate needs no other output, and one at another rate does', () => {
  for (const rateHz of [22_050, 22_050, 16_000]) audio.startSpeech(rateHz);
  expect(mockNative.done.filter((one) => one.startsWith('context'))).toEqual(['context 22050', 'context 16000']);
});

test('headphones, calls, a lost microphone and the stop of the notification are told', async () => {
  await audio.openMicrophone(request());
  mockNative.outputs = [{category: 'Headphones', name: ''}];
  (mockNative.events.get('routeChange') as () => void)();
  await settled();
  (mockNative.events.get('interruption') as (event: object) => void)({type: 'began'});
  (mockNative.events.get('interruption') as (event: object) => void)({type: 'ended'});
  mockNative.failed?.();
  (mockNative.events.get('recordingNotificationStop') as () => void)();
  expect(told).toEqual(['loudspeaker', 'headphones', 'taken true', 'taken false', 'ended', 'stopped']);
  expect(audio.route).toBe('headphones');
});

test('a microphone that opens after all was closed is closed again', async () => {
  const opening = audio.openMicrophone(request());
  audio.close();
  await opening;
  expect(mockNative.frames).toBeUndefined();
  expect(mockNative.done).toContain('stop');
});

test('closed, it listens to nothing more', () => {
  audio.close();
  expect(mockNative.events.size).toBe(0);
  expect(mockNative.done).toContain('observe false');
});
