const PHASES = 256;
const ZERO_CROSSINGS = 16;
const PASSED = 0.9;
export class Resampler {
    #step;
    #half;
    #kernels = [];
    #input;
    #filled = 0;
    #at;
    constructor(fromHz, toHz) {
        this.#step = fromHz / toHz;
        const cutoff = PASSED * Math.min(1, toHz / fromHz);
        this.#half = Math.ceil(ZERO_CROSSINGS / cutoff);
        for (let phase = 0; phase <= PHASES; phase += 1)
            this.#kernels.push(kernel(this.#half, cutoff, phase / PHASES));
        this.#input = new Float32Array(4 * this.#half + 4_096);
        this.#filled = this.#half;
        this.#at = this.#half;
    }
    push(samples) {
        const input = this.#grown(samples);
        const output = [];
        while (this.#at + this.#half < this.#filled) {
            const whole = Math.floor(this.#at);
            const taps = this.#kernels[Math.round((this.#at - whole) * PHASES)];
            const first = whole - this.#half + 1;
            let sum = 0;
            for (let tap = 0; tap < taps.length; tap += 1)
                sum += taps[tap] * input[first + tap];
            output.push(sum);
            this.#at += this.#step;
        }
        const done = Math.floor(this.#at) - this.#half;
        input.copyWithin(0, done, this.#filled);
        this.#filled -= done;
        this.#at -= done;
        return Float32Array.from(output);
    }
    #grown(samples) {
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
function kernel(half, cutoff, fraction) {
    const taps = Float32Array.from({ length: 2 * half }, (_, tap) => {
        const distance = tap - half + 1 - fraction;
        const angle = Math.PI * cutoff * distance;
        const sinc = Math.abs(angle) < 1e-9 ? 1 : Math.sin(angle) / angle;
        const hann = 0.5 + 0.5 * Math.cos((Math.PI * distance) / half);
        return Math.abs(distance) >= half ? 0 : sinc * hann;
    });
    const sum = taps.reduce((total, weight) => total + weight, 0);
    return taps.map((weight) => weight / sum);
}
