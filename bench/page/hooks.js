// Runs in the page before its own scripts: notes when the microphone's voice ends and when the answer's sound begins.
//
// Nothing of the page is changed: listeners are added to the ports of its two worklets and to its WebSocket.
// `measured` has an entry for each turn: {turnId, voiceEndedMs, soundedMs, latency}, by performance.now().
(() => {
  const LOUD = 0.02; // of full scale: below it a sample of the microphone is no voice
  const FRAME_SAMPLES = 640;
  const SAMPLES_PER_MS = 16;
  const turns = new Map();
  let voiceMs; // when the last loud sample was captured
  let speaking; // the turn whose answer plays
  globalThis.measured = turns;

  const turn = (id) => turns.get(id) ?? turns.set(id, {turnId: id}).get(id);

  function onCaptured({pcm}) {
    const samples = new Int16Array(pcm);
    const last = samples.findLastIndex((sample) => Math.abs(sample) >= LOUD * 32_768);
    if (last >= 0) voiceMs = performance.now() - (FRAME_SAMPLES - 1 - last) / SAMPLES_PER_MS;
  }

  /** The worklet tells the context's time of the first audible sample; the context knows when it is put out. */
  function onPlayed(context, {soundedAtS}) {
    if (soundedAtS === undefined || speaking === undefined || turn(speaking).soundedMs !== undefined) return;
    const {contextTime, performanceTime} = context.getOutputTimestamp();
    turn(speaking).soundedMs = performanceTime + 1_000 * (soundedAtS - contextTime);
  }

  function onEvent({type, data}) {
    if (type === 'speech_stopped') turn(data.turn_id).voiceEndedMs = voiceMs;
    if (type === 'transcript') turn(data.turn_id).words = data.text;
    if (type === 'speech_audio_start') speaking = data.turn_id;
    if (type === 'turn_completed') turn(data.turn_id).latency = data.latency_ms;
  }

  const Node = AudioWorkletNode;
  globalThis.AudioWorkletNode = class extends Node {
    constructor(context, name, options) {
      super(context, name, options);
      const take = {'sayso-capture': onCaptured, 'sayso-playback': (report) => onPlayed(context, report)}[name];
      if (take !== undefined) this.port.addEventListener('message', ({data}) => take(data));
    }
  };
  const Socket = WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({data}) => typeof data === 'string' && onEvent(JSON.parse(data)));
    }
  };
})();
