/** The newest frames of the connection, for developers: what came and what was sent, as it was, without the audio. */

export const MAX_FRAMES = 200;

export class FrameLog {
  /** Oldest first: {number, at, isSent, type, seq, data}. */
  frames = [];
  onChange = () => undefined;
  #count = 0;

  add(frame, isSent) {
    this.#count += 1;
    this.frames = [...this.frames.slice(1 - MAX_FRAMES), {number: this.#count, at: Date.now(), isSent, ...frame}];
    this.onChange();
  }
}
