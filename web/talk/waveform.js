/** The microphone's level of the last seconds, with the speech that the server found marked on it. */

const BAR_PX = 3;
const GAP_PX = 2;
const FRAME_SAMPLES = 640; // 40 ms at 16 kHz
const KEPT_FRAMES = 512;
const SAMPLES_PER_MS = 16;
const CALM_MS = 500; // between two pictures for people who want little motion

export class Waveform {
  #frames = []; // [{end, peak}]: the position in samples behind each frame
  #canvas;
  #context;
  #spans = [];
  #isDue = false;
  #drawnAt = 0;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  attach(canvas) {
    this.#canvas = canvas;
    this.#context = canvas?.getContext('2d');
    this.draw();
  }

  /** Append a frame that ends at a position in samples. */
  add(end, peak) {
    this.#frames.push({end, peak});
    if (this.#frames.length > KEPT_FRAMES) this.#frames.shift();
    this.#schedule();
  }

  /** Forget the frames: positions are counted anew. */
  clear() {
    this.#frames = [];
    this.#schedule();
  }

  set spans(spans) {
    this.#spans = spans;
    this.#schedule();
  }

  #schedule() {
    if (this.#isDue || (this.#calm.matches && performance.now() - this.#drawnAt < CALM_MS)) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.draw();
    });
  }

  draw() {
    const canvas = this.#canvas;
    if (!canvas) return;
    this.#drawnAt = performance.now();
    const ratio = devicePixelRatio || 1;
    const {clientWidth: width, clientHeight: height} = canvas;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const {color: speech, borderTopColor: quiet} = getComputedStyle(canvas); // of variables one would get the formula
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const bars = Math.floor(width / (BAR_PX + GAP_PX));
    for (let bar = 0; bar < bars; bar += 1) {
      const frame = this.#frames[this.#frames.length - bars + bar];
      const tall = Math.max(2, Math.sqrt(frame?.peak ?? 0) * (height - 4));
      context.fillStyle = frame !== undefined && this.#isSpeech(frame.end) ? speech : quiet;
      context.fillRect(bar * (BAR_PX + GAP_PX), (height - tall) / 2, BAR_PX, tall);
    }
  }

  #isSpeech(end) {
    const atMs = (end - FRAME_SAMPLES / 2) / SAMPLES_PER_MS;
    return this.#spans.some(({startMs, endMs = Infinity}) => startMs <= atMs && atMs < endMs);
  }
}
