const REPORT_BLOCKS = 8;
const AUDIBLE = 0.01;
const GAIN_STEP = 0.01;
class PlaybackProcessor extends AudioWorkletProcessor {
    #queue = [];
    #offset = 0;
    #played = 0;
    #wanted = 1;
    #gain = 1;
    #peak = 0;
    #blocks = 0;
    #wasPlaying = false;
    #soundedAtS;
    constructor() {
        super();
        this.port.onmessage = ({ data }) => this.#obey(data);
    }
    process(_inputs, outputs) {
        const output = outputs[0]?.[0];
        if (output === undefined)
            return true;
        const wasSilent = this.#soundedAtS === undefined;
        const filled = this.#fill(output);
        this.#played += filled;
        const isPlaying = filled > 0;
        this.#blocks += 1;
        const isFirstSound = wasSilent && this.#soundedAtS !== undefined;
        if (isFirstSound || isPlaying !== this.#wasPlaying || (isPlaying && this.#blocks % REPORT_BLOCKS === 0))
            this.#report(isPlaying);
        this.#wasPlaying = isPlaying;
        return true;
    }
    #fill(output) {
        let filled = 0;
        for (let chunk = this.#queue[0]; chunk !== undefined && filled < output.length; chunk = this.#queue[0]) {
            this.#gain += (this.#wanted - this.#gain) * GAIN_STEP;
            const sample = (chunk[this.#offset] / 32_768) * this.#gain;
            output[filled] = sample;
            if (this.#soundedAtS === undefined && Math.abs(sample) >= AUDIBLE)
                this.#soundedAtS = currentTime + filled / sampleRate;
            filled += 1;
            this.#peak = Math.max(this.#peak, Math.abs(sample));
            this.#offset += 1;
            if (this.#offset < chunk.length)
                continue;
            this.#queue.shift();
            this.#offset = 0;
        }
        return filled;
    }
    #obey({ pcm, flush, reset, gain }) {
        if (flush) {
            this.#queue = [];
            this.#offset = 0;
        }
        if (reset) {
            this.#played = 0;
            this.#soundedAtS = undefined;
        }
        if (gain !== undefined)
            this.#wanted = gain;
        if (pcm !== undefined && pcm.byteLength > 1)
            this.#queue.push(new Int16Array(pcm, 0, pcm.byteLength >> 1));
    }
    #report(isPlaying) {
        const sounded = this.#soundedAtS === undefined ? {} : { soundedAtS: this.#soundedAtS };
        const report = { played: this.#played, isPlaying, peak: this.#peak, ...sounded };
        this.port.postMessage(report);
        this.#peak = 0;
    }
}
registerProcessor('sayso-playback', PlaybackProcessor);
export {};
