/** The microphone's level of the last frames, for the picture of it; a ring of fixed size. */

export class Levels {
  readonly #peaks: Float32Array;
  #at = 0;

  constructor(size: number) {
    this.#peaks = new Float32Array(size);
  }

  /** Append the peak of a frame, 0 to 1. */
  add(peak: number): void {
    this.#peaks[this.#at] = Math.max(0, Math.min(1, Number.isFinite(peak) ? peak : 0));
    this.#at = (this.#at + 1) % this.#peaks.length;
  }

  clear(): void {
    this.#peaks.fill(0);
  }

  /** Return the peaks, oldest first. */
  all(): number[] {
    return [...this.#peaks.subarray(this.#at), ...this.#peaks.subarray(0, this.#at)];
  }
}
