/**
 * How much of an answer has been played, by the clock: what is queued is played at once and without gaps, or begins anew after one.
 *
 * Phones tell the end of a buffer late, or never. A microphone that waited for that would stay silent for ever; a clock does not.
 * Times are in ms, and come as arguments.
 */
export class PlaybackClock {
  #heardMs = 0; // of the stretches before the last one
  #startedAt = 0;
  #endsAt = 0;

  /** Begin an answer. */
  reset(): void {
    this.#heardMs = this.#startedAt = this.#endsAt = 0;
  }

  queue(ms: number, now: number): void {
    if (!this.isPlaying(now)) {
      this.#heardMs = this.heardMs(now);
      this.#startedAt = this.#endsAt = now;
    }
    this.#endsAt += ms;
  }

  /** Drop what was not played. */
  flush(now: number): void {
    this.#endsAt = Math.min(this.#endsAt, Math.max(now, this.#startedAt));
  }

  isPlaying(now: number): boolean {
    return now < this.#endsAt;
  }

  /** Return when all that is queued will have been played. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Return how much of the answer has been played. */
  heardMs(now: number): number {
    return this.#heardMs + Math.max(0, Math.min(now, this.#endsAt) - this.#startedAt);
  }
}
