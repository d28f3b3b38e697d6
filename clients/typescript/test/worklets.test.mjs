import assert from 'node:assert/strict';
import {test} from 'node:test';

const RATE_HZ = 48_000;
const processors = new Map();
globalThis.sampleRate = RATE_HZ;
globalThis.currentTime = 0;
globalThis.registerProcessor = (name, processor) => processors.set(name, processor);
globalThis.AudioWorkletProcessor = class {
  posted = [];
  port = {postMessage: (message, transferred = []) => this.posted.push(structuredClone(message, {transfer: transferred}))};
};
await import('../../../web/client/worklets/capture.js');
await import('../../../web/client/worklets/playback.js');
const {Resampler} = await import('../../../web/client/worklets/resampler.js');

const sine = (hz, rateHz, count) => Float32Array.from({length: count}, (_, at) => Math.sin((2 * Math.PI * hz * at) / rateHz));
const loudness = (samples) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

function resampled(input, fromHz, toHz) {
  const resampler = new Resampler(fromHz, toHz);
  const output = [];
  for (let at = 0; at < input.length; at += 128) output.push(...resampler.push(input.subarray(at, at + 128)));
  return output;
}

// --- the resampler ---

for (const rateHz of [8_000, 16_000, 44_100, 48_000, 96_000]) {
  test(`a tone of 1 kHz at ${rateHz} Hz is the same tone at 16 kHz`, () => {
    const output = resampled(sine(1_000, rateHz, rateHz), rateHz, 16_000);
    assert.ok(Math.abs(output.length - 16_000) < 100, `${output.length} samples`);
    const settled = output.slice(1_000, 15_000);
    const rises = settled.filter((sample, at) => sample <= 0 && settled[at + 1] > 0).length;
    assert.ok(Math.abs(rises - 875) <= 1, `${rises} waves in 0.875 s`);
    assert.ok(Math.abs(loudness(settled) - Math.SQRT1_2) < 0.01, `${loudness(settled)}`);
  });
}

test('what 16 kHz cannot hold is taken away and does not come back as another tone', () => {
  assert.ok(loudness(resampled(sine(11_000, 48_000, 48_000), 48_000, 16_000).slice(500)) < 0.003);
});

test('a steady level stays what it is', () => {
  const output = resampled(new Float32Array(44_100).fill(0.5), 44_100, 16_000).slice(500);
  assert.ok(output.every((sample) => Math.abs(sample - 0.5) < 1e-3));
});

// --- capture ---

function captured(seconds, fill) {
  const capture = new (processors.get('sayso-capture'))();
  for (let block = 0; block < (seconds * RATE_HZ) / 128; block += 1) capture.process([[new Float32Array(128).fill(fill)]]);
  return capture.posted;
}

test('the microphone comes in 25 frames a second of 640 samples each', () => {
  const frames = captured(3, 0.25);
  assert.ok(frames.length >= 74 && frames.length <= 75, `${frames.length} frames`);
  assert.deepEqual(new Set(frames.map(({pcm}) => pcm.byteLength)), new Set([1_280]));
  assert.equal(new Int16Array(frames.at(-1).pcm)[0], Math.round(0.25 * 32_767));
});

test('each frame has its own peak', () => {
  const capture = new (processors.get('sayso-capture'))();
  for (let block = 0; block < 60; block += 1) capture.process([[new Float32Array(128).fill(block < 20 ? -0.5 : 0)]]);
  const peaks = capture.posted.map(({peak}) => peak);
  assert.ok(peaks[0] > 0.49 && peaks.at(-1) < 0.01, `${peaks}`);
});

test('a louder input than there is becomes the loudest that there is', () => {
  assert.equal(new Int16Array(captured(1, 3).at(-1).pcm)[0], 32_767);
});

test('a microphone that was unplugged gives nothing and breaks nothing', () => {
  const capture = new (processors.get('sayso-capture'))();
  assert.equal(capture.process([[]]), true);
  assert.equal(capture.process([]), true);
});

// --- playback ---

function playback() {
  const processor = new (processors.get('sayso-playback'))();
  const output = () => {
    const block = new Float32Array(128);
    processor.process([], [[block]]);
    return block;
  };
  return {order: (data) => processor.port.onmessage({data}), output, posted: processor.posted};
}
const pcm = (count, value) => new Int16Array(count).fill(value).buffer;

test('samples are played in order, without a gap between two frames', () => {
  const {order, output, posted} = playback();
  order({pcm: pcm(100, 16_384)});
  order({pcm: pcm(100, -16_384)});
  const played = [...output(), ...output()];
  assert.deepEqual(new Set(played.slice(0, 100)), new Set([0.5]));
  assert.deepEqual(new Set(played.slice(100, 200)), new Set([-0.5]));
  assert.deepEqual(new Set(played.slice(200)), new Set([0]));
  output();
  assert.deepEqual(posted.at(-1), {played: 200, isPlaying: false, peak: 0.5, soundedAtS: 0});
});

test('flushed samples are not heard, from the next block on', () => {
  const {order, output, posted} = playback();
  order({pcm: pcm(1_000, 16_384)});
  output();
  order({flush: true});
  assert.deepEqual(new Set(output()), new Set([0]));
  assert.equal(posted.at(-1).played, 128);
});

test('a ducked answer is quieter within a tenth of a second, without a jump', () => {
  const {order, output} = playback();
  order({pcm: pcm(10_000, 16_384)});
  output();
  order({gain: 0.25});
  const ducked = Array.from({length: 15}, output).flatMap((block) => [...block]);
  assert.ok(Math.abs(ducked.at(-1) - 0.125) < 0.001);
  assert.ok(ducked.every((sample, at) => at === 0 || Math.abs(sample - ducked[at - 1]) < 0.005));
});

test('the first audible sample of each answer is told at once, with its time', () => {
  const {order, output, posted} = playback();
  order({pcm: pcm(200, 300)}); // below 1 %: a voice begins with breath
  order({pcm: pcm(2_000, 16_384)});
  output();
  globalThis.currentTime = 128 / RATE_HZ;
  output();
  assert.deepEqual(posted.map(({soundedAtS}) => soundedAtS), [undefined, 200 / RATE_HZ]);
  globalThis.currentTime = 1;
  order({flush: true, reset: true, pcm: pcm(1_000, 16_384)});
  output();
  assert.equal(posted.at(-1).soundedAtS, 1);
  globalThis.currentTime = 0;
});

test('a new answer is counted from 0', () => {
  const {order, output, posted} = playback();
  order({pcm: pcm(128, 1)});
  output();
  order({flush: true, reset: true});
  output();
  assert.equal(posted.at(-1).played, 0);
});
