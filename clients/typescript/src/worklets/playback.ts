/** A queue of 16-bit samples that is played without gaps, made quieter while the user speaks, and emptied at once. */

declare const sampleRate: number;
/** The context's time at the beginning of the block, in s. */
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

export interface PlaybackOrder {
  /** Samples to append. */
  pcm?: ArrayBuffer;
  /** Forget what was not played. */
  flush?: boolean;
  /** Count `played` from 0 again. */
  reset?: boolean;
  /** 0 to 1; reached within some 10 ms. */
  gain?: number;
}

export interface PlaybackReport {
  /** Samples since the last reset. */
  played: number;
  isPlaying: boolean;
  /** 0 to 1, since the last report. */
  peak: number;
  /** The context's time of the first audible sample since the last reset, in s; absent before it. */
  soundedAtS?: number;
}

const REPORT_BLOCKS = 8; // of 128 samples: some 46 ms at 22,050 Hz
const AUDIBLE = 0.01; // of full scale: voices begin with some silence
const GAIN_STEP = 0.01; // of the way to the wanted gain, for each sample

class PlaybackProcessor extends AudioWorkletProcessor {
  #queue: Int16Array[] = [];
  #offset = 0; // in the first of the queue
  #played = 0;
  #wanted = 1;
  #gain = 1;
  #peak = 0;
  #blocks = 0;
  #wasPlaying = false;
  #soundedAtS: number | undefined;

  constructor() {
    super();
    this.port.onmessage = ({data}: MessageEvent<PlaybackOrder>) => this.#obey(data);
  }

  /** Fill 128 samples. */
  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0];
    if (output === undefined) return true;
    const wasSilent = this.#soundedAtS === undefined;
    const filled = this.#fill(output);
    this.#played += filled;
    const isPlaying = filled > 0;
    this.#blocks += 1;
    const isFirstSound = wasSilent && this.#soundedAtS !== undefined;
    if (isFirstSound || isPlaying !== this.#wasPlaying || (isPlaying && this.#blocks % REPORT_BLOCKS === 0)) this.#report(isPlaying);
    this.#wasPlaying = isPlaying;
    return true;
  }

  #fill(output: Float32Array): number {
    let filled = 0;
    for (let chunk = this.#queue[0]; chunk !== undefined && filled < output.length; chunk = this.#queue[0]) {
      this.#gain += (this.#wanted - this.#gain) * GAIN_STEP;
      const sample = (chunk[this.#offset]! / 32_768) * this.#gain;
      output[filled] = sample;
      if (this.#soundedAtS === undefined && Math.abs(sample) >= AUDIBLE) this.#soundedAtS = currentTime + filled / sampleRate;
      filled += 1;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
      this.#offset += 1;
      if (this.#offset < chunk.length) continue;
      this.#queue.shift();
      this.#offset = 0;
    }
    return filled;
  }

  #obey({pcm, flush, reset, gain}: PlaybackOrder): void {
    if (flush) {
      this.#queue = [];
      this.#offset = 0;
    }
    if (reset) {
      this.#played = 0;
      this.#soundedAtS = undefined;
    }
    if (gain !== undefined) this.#wanted = gain;
    if (pcm !== undefined && pcm.byteLength > 1) this.#queue.push(new Int16Array(pcm, 0, pcm.byteLength >> 1));
  }

  #report(isPlaying: boolean): void {
    const sounded = this.#soundedAtS === undefined ? {} : {soundedAtS: this.#soundedAtS};
    const report: PlaybackReport = {played: this.#played, isPlaying, peak: this.#peak, ...sounded};
    this.port.postMessage(report);
    this.#peak = 0;
  }
}

registerProcessor('sayso-playback', PlaybackProcessor);
