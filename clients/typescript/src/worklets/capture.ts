/** The microphone as frames of 40 ms: 16-bit samples at 16 kHz, mono, and the peak of each frame. */

import {Resampler} from './resampler.ts';

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

export interface CapturedFrame {
  pcm: ArrayBuffer;
  /** 0 to 1. */
  peak: number;
}

const RATE_HZ = 16_000;
const FRAME_SAMPLES = 640;

class CaptureProcessor extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, RATE_HZ);
  #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;
  #peak = 0;

  /** Take 128 samples of each channel; the first channel is heard. */
  process([channels]: Float32Array[][]): boolean {
    const samples = channels?.[0];
    if (samples !== undefined) for (const sample of this.#resampler.push(samples)) this.#add(sample);
    return true;
  }

  #add(sample: number): void {
    const clipped = Math.max(-1, Math.min(1, sample));
    this.#peak = Math.max(this.#peak, Math.abs(clipped));
    this.#frame[this.#filled] = Math.round(clipped * 32_767);
    this.#filled += 1;
    if (this.#filled < FRAME_SAMPLES) return;
    const frame: CapturedFrame = {pcm: this.#frame.buffer, peak: this.#peak};
    this.port.postMessage(frame, [frame.pcm]);
    this.#frame = new Int16Array(FRAME_SAMPLES); // the other one has been handed over
    this.#filled = 0;
    this.#peak = 0;
  }
}

registerProcessor('sayso-capture', CaptureProcessor);
