import { Resampler } from './resampler.js';
const RATE_HZ = 16_000;
const FRAME_SAMPLES = 640;
class CaptureProcessor extends AudioWorkletProcessor {
    #resampler = new Resampler(sampleRate, RATE_HZ);
    #frame = new Int16Array(FRAME_SAMPLES);
    #filled = 0;
    #peak = 0;
    process([channels]) {
        const samples = channels?.[0];
        if (samples !== undefined)
            for (const sample of this.#resampler.push(samples))
                this.#add(sample);
        return true;
    }
    #add(sample) {
        const clipped = Math.max(-1, Math.min(1, sample));
        this.#peak = Math.max(this.#peak, Math.abs(clipped));
        this.#frame[this.#filled] = Math.round(clipped * 32_767);
        this.#filled += 1;
        if (this.#filled < FRAME_SAMPLES)
            return;
        const frame = { pcm: this.#frame.buffer, peak: this.#peak };
        this.port.postMessage(frame, [frame.pcm]);
        this.#frame = new Int16Array(FRAME_SAMPLES);
        this.#filled = 0;
        this.#peak = 0;
    }
}
registerProcessor('sayso-capture', CaptureProcessor);
