/**
 * The audio of a session that the server may still need: not acknowledged, or not sent.
 *
 * - A position is the number of samples (of one channel) before it; it never changes in a session.
 * - Presses and releases of a push-to-talk button keep their positions between the samples.
 * - What is kept is bounded in samples: what finds no room is refused, and takes no position.
 */

/** A frame of audio, or a text frame between two. */
interface Piece {
  start: number;
  end: number;
  frame: Uint8Array<ArrayBuffer> | string;
}

export class SentAudio {
  #pieces: Piece[] = [];
  #sent = 0; // how many of the pieces
  #end = 0;
  readonly #sampleBytes: number;
  readonly #keptSamples: number;

  /** `sampleBytes` is the size of one sample of all channels. */
  constructor(sampleBytes: number, keptSamples: number) {
    this.#sampleBytes = sampleBytes;
    this.#keptSamples = keptSamples;
  }

  /** Samples that were added in this session. */
  get position(): number {
    return this.#end;
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#pieces.length;
  }

  get hasRoom(): boolean {
    const [first] = this.#pieces;
    return first === undefined || this.#end - first.start < this.#keptSamples;
  }

  /** Append whole samples; return whether there was room. */
  add(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (bytes.byteLength % this.#sampleBytes !== 0) {
      throw new RangeError(`audio must be whole samples of ${this.#sampleBytes} bytes, not ${bytes.byteLength} bytes`);
    }
    if (!this.hasRoom) return false;
    this.#append(bytes, bytes.byteLength / this.#sampleBytes);
    return true;
  }

  /** Append a text frame that keeps its position between the samples. */
  addMark(frame: string): void {
    this.#append(frame, 0);
  }

  /** Return the next frame to send, which counts as sent from now on. */
  next(): Uint8Array<ArrayBuffer> | string {
    const piece = this.#pieces[this.#sent];
    if (piece === undefined) throw new RangeError('there must be audio that was not sent');
    this.#sent += 1;
    return piece.frame;
  }

  /** Forget what was sent and lies before `samples`. */
  acknowledge(samples: number): void {
    const isDone = ({start, end}: Piece) => end <= samples && start < samples;
    let done = 0;
    while (done < this.#sent && isDone(this.#pieces[done]!)) done += 1;
    this.#pieces.splice(0, done);
    this.#sent -= done;
  }

  /** Send again from `samples` on, where the server's audio ends; a press or release there is sent again, too. */
  resumeAt(samples: number): void {
    this.#sent = 0;
    this.#pieces = this.#pieces.filter(({start, end}) => end > samples || start >= samples);
    const [first] = this.#pieces;
    if (first === undefined || first.start >= samples || typeof first.frame === 'string') return;
    const rest = first.frame.subarray((samples - first.start) * this.#sampleBytes);
    this.#pieces[0] = {start: samples, end: first.end, frame: rest};
  }

  /** Begin a new session: what was sent or kept belonged to the old one. */
  clear(): void {
    this.#pieces = [];
    this.#sent = this.#end = 0;
  }

  #append(frame: Uint8Array<ArrayBuffer> | string, samples: number): void {
    this.#pieces.push({start: this.#end, end: this.#end + samples, frame});
    this.#end += samples;
  }
}
