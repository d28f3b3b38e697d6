/** Samples between what phones give and take (floats, -1 to 1) and what the server does (s16le). Pure. */

const LARGEST = 32_767;
const BYTES = 2;

/** Return floats as s16le, and their peak, 0 to 1. */
export function toPcm(samples: Float32Array): {pcm: Uint8Array<ArrayBuffer>; peak: number} {
  const pcm = new Int16Array(samples.length);
  let peak = 0;
  for (let at = 0; at < samples.length; at += 1) {
    const clipped = Math.max(-1, Math.min(1, samples[at]!));
    peak = Math.max(peak, Math.abs(clipped));
    pcm[at] = Math.round(clipped * LARGEST);
  }
  return {pcm: new Uint8Array(pcm.buffer), peak};
}

/** Return s16le as floats; an odd byte at the end is left out. */
export function fromPcm(pcm: ArrayBuffer): Float32Array<ArrayBuffer> {
  return Float32Array.from(new Int16Array(pcm, 0, Math.floor(pcm.byteLength / BYTES)), (sample) => sample / (LARGEST + 1));
}

/** Return how long s16le lasts. */
export function durationMs(pcm: ArrayBuffer, rateHz: number): number {
  return (1_000 * Math.floor(pcm.byteLength / BYTES)) / rateHz;
}

/** Return silence that is as long as `pcm`. */
export function silenceLike(pcm: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(pcm.byteLength);
}
