import assert from 'node:assert/strict';
import {test} from 'node:test';
import {SentAudio} from '../../../web/client/index.js';

const samples = (...values) => new Uint8Array(values.flatMap((value) => [value, 0]));
function sendAll(audio) {
  const frames = [];
  while (audio.hasUnsent) frames.push(audio.next());
  return frames;
}

test('audio is sent in order and counted in samples', () => {
  const audio = new SentAudio(2, 100);
  audio.add(samples(1, 2));
  audio.add(samples(3));
  assert.equal(audio.position, 3);
  assert.deepEqual(sendAll(audio), [samples(1, 2), samples(3)]);
});

test('after a loss it goes on within a frame, at the sample that the server names', () => {
  const audio = new SentAudio(2, 100);
  audio.add(samples(1, 2, 3));
  audio.add(samples(4, 5));
  sendAll(audio);
  audio.resumeAt(2);
  assert.deepEqual(sendAll(audio), [samples(3), samples(4, 5)]);
});

test('what the server has is forgotten, what was not sent is not', () => {
  const audio = new SentAudio(2, 4);
  audio.add(samples(1, 2));
  audio.add(samples(3, 4));
  assert.equal(audio.add(samples(5)), false);
  audio.next();
  audio.acknowledge(4);
  assert.equal(audio.add(samples(5)), true);
  assert.deepEqual(sendAll(audio), [samples(3, 4), samples(5)]);
});

test('audio that finds no room is refused and takes no position', () => {
  const audio = new SentAudio(2, 2);
  audio.add(samples(1, 2));
  assert.equal(audio.add(samples(3)), false);
  assert.equal(audio.position, 2);
});

test('a press and a release keep their places between the samples, and are sent again where the audio ends', () => {
  const audio = new SentAudio(2, 100);
  audio.addMark('press');
  audio.add(samples(1, 2));
  audio.addMark('release');
  sendAll(audio);
  audio.resumeAt(2);
  assert.deepEqual(sendAll(audio), ['release']);
});

test('a part of a sample is refused', () => {
  assert.throws(() => new SentAudio(4, 100).add(new Uint8Array(6)), /whole samples of 4 bytes, not 6 bytes/);
});
