/**
 * A streaming resampler: windowed-sinc interpolation (Julius O. Smith, "Digital Audio Resampling", CCRMA), mono.
 *
 * The filter passes what lies below 90 % of the lower of the two Nyquist frequencies.
 */

const PHASES = 256; // positions between two input samples; the nearest one is taken
const ZERO_CROSSINGS = 16;
const PASSED = 0.9;

export class Resampler {
  readonly #step: number; // input samples for each output sample
  readonly #half: number; // input samples on either side
  readonly #kernels: Float32Array[] = [];
  #input: Float32Array;
  #filled = 0;
  #at: number; // position of the next output sample in #input

  constructor(fromHz: number, toHz: number) {
    this.#step = fromHz / toHz;
    const cutoff = PASSED * Math.min(1, toHz / fromHz);
    this.#half = Math.ceil(ZERO_CROSSINGS / cutoff);
    for (let phase = 0; phase <= PHASES; phase += 1) this.#kernels.push(kernel(this.#half, cutoff, phase / PHASES));
    this.#input = new Float32Array(4 * this.#half + 4_096);
    this.#filled = this.#half; // silence before the first sample
    this.#at = this.#half;
  }

  /** Return the output samples that are ready, each -1 to 1. */
  push(samples: Float32Array): Float32Array {
    const input = this.#grown(samples);
    const output: number[] = [];
    while (this.#at + this.#half < this.#filled) {
      const whole = Math.floor(this.#at);
      const taps = this.#kernels[Math.round((this.#at - whole) * PHASES)]!;
      const first = whole - this.#half + 1;
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap += 1) sum += taps[tap]! * input[first + tap]!;
      output.push(sum);
      this.#at += this.#step;
    }
    const done = Math.floor(this.#at) - this.#half;
    input.copyWithin(0, done, this.#filled);
    this.#filled -= done;
    this.#at -= done;
    return Float32Array.from(output);
  }

  #grown(samples: Float32Array): Float32Array {
    if (this.#filled + samples.length > this.#input.length) {
      const larger = new Float32Array(2 * (this.#filled + samples.length));
      larger.set(this.#input.subarray(0, this.#filled));
      this.#input = larger;
    }
    this.#input.set(samples, this.#filled);
    this.#filled += samples.length;
    return this.#input;
  }
}

/** Return the weights of the 2 × `half` input samples around a position `fraction` behind a sample; their sum is 1. */
function kernel(half: number, cutoff: number, fraction: number): Float32Array {
  const taps = Float32Array.from({length: 2 * half}, (_, tap) => {
    const distance = tap - half + 1 - fraction;
    const angle = Math.PI * cutoff * distance;
    const sinc = Math.abs(angle) < 1e-9 ? 1 : Math.sin(angle) / angle;
    const hann = 0.5 + 0.5 * Math.cos((Math.PI * distance) / half);
    return Math.abs(distance) >= half ? 0 : sinc * hann;
  });
  const sum = taps.reduce((total, weight) => total + weight, 0);
  return taps.map((weight) => weight / sum);
}
