/** A browser's microphone and loudspeaker, and its signs that the network or the user is back. */

import type {SaysoClient} from './client.ts';
import type {CapturedFrame} from './worklets/capture.ts';
import type {PlaybackOrder, PlaybackReport} from './worklets/playback.ts';

/** What the microphone gives: s16le, mono. */
export const MICROPHONE_RATE_HZ = 16_000;
const DUCKED = 0.25;

export type MicrophoneProblem =
  | 'insecure' // a page that came by http from another computer has no microphone
  | 'unsupported'
  | 'denied'
  | 'none'
  | 'busy';

export class MicrophoneError extends Error {
  readonly problem: MicrophoneProblem;

  constructor(problem: MicrophoneProblem, cause?: unknown) {
    super(`no microphone: ${problem}`, {cause});
    this.problem = problem;
  }
}

const PROBLEMS: Readonly<Record<string, MicrophoneProblem>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'none',
  OverconstrainedError: 'none',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

export interface MicrophoneConfig {
  /** Address of worklets/capture.js. */
  worklet: string | URL;
  deviceId?: string;
  onFrame: (pcm: Uint8Array<ArrayBuffer>, peak: number) => void;
  /** The device was unplugged, or the user took the permission back. */
  onEnded?: () => void;
}

/** An open microphone: frames of 40 ms come until `stop`. */
export class Microphone {
  readonly label: string;
  readonly #context: AudioContext;
  readonly #track: MediaStreamTrack;

  private constructor(context: AudioContext, track: MediaStreamTrack) {
    this.label = track.label;
    this.#context = context;
    this.#track = track;
  }

  /** Ask the user if need be, and open; throws `MicrophoneError`. Call it from a click or a key: else browsers keep it mute. */
  static async open({worklet, deviceId, onFrame, onEnded}: MicrophoneConfig): Promise<Microphone> {
    const stream = await microphoneStream(deviceId);
    const track = stream.getAudioTracks()[0];
    if (track === undefined) throw new MicrophoneError('none');
    const context = new AudioContext({latencyHint: 'interactive'});
    try {
      await context.audioWorklet.addModule(worklet);
      const node = new AudioWorkletNode(context, 'sayso-capture', {numberOfOutputs: 0});
      node.port.onmessage = ({data}: MessageEvent<CapturedFrame>) => onFrame(new Uint8Array(data.pcm), data.peak);
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
    } catch (error) {
      track.stop();
      await context.close();
      throw new MicrophoneError('unsupported', error);
    }
    track.onended = () => onEnded?.();
    return new Microphone(context, track);
  }

  stop(): void {
    this.#track.onended = null;
    this.#track.stop();
    void this.#context.close();
  }
}

async function microphoneStream(deviceId: string | undefined): Promise<MediaStream> {
  if (!globalThis.isSecureContext) throw new MicrophoneError('insecure');
  if (navigator.mediaDevices === undefined || globalThis.AudioWorkletNode === undefined) throw new MicrophoneError('unsupported');
  const device = deviceId === undefined ? {} : {deviceId: {exact: deviceId}};
  const audio = {echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1, ...device};
  try {
    return await navigator.mediaDevices.getUserMedia({audio});
  } catch (error) {
    throw new MicrophoneError(PROBLEMS[(error as DOMException).name] ?? 'unsupported', error);
  }
}

/** Return whether this page can play answers: not where it came by http from another computer. */
const canPlay = () => globalThis.isSecureContext && globalThis.AudioWorkletNode !== undefined;

/** The loudspeaker: plays s16le mono at the rate that the server announced, and drops it at once when told. */
export class Loudspeaker {
  /** How much of the answer has been heard. */
  heardMs = 0;
  onReport: ((report: PlaybackReport) => void) | undefined;
  readonly #worklet: string | URL;
  #rateHz = 0;
  #context: AudioContext | undefined;
  #node: Promise<AudioWorkletNode> | undefined;

  /** `worklet` is the address of worklets/playback.js. */
  constructor(worklet: string | URL) {
    this.#worklet = worklet;
  }

  /** Begin an answer at this rate. */
  start(rateHz: number): void {
    this.heardMs = 0;
    if (rateHz !== this.#rateHz) this.#open(rateHz);
    this.#order({flush: true, reset: true, gain: 1});
    void this.#context?.resume();
  }

  play(pcm: ArrayBuffer): void {
    this.#order({pcm}, [pcm]);
  }

  /** Make it quieter: the user may be speaking. */
  duck(): void {
    this.#order({gain: DUCKED});
  }

  unduck(): void {
    this.#order({gain: 1});
  }

  /** Forget what was not played. */
  flush(): void {
    this.#order({flush: true, gain: 1});
  }

  close(): void {
    void this.#context?.close();
    this.#context = this.#node = undefined;
    this.#rateHz = 0;
  }

  #open(rateHz: number): void {
    this.close();
    if (!canPlay()) return; // the answer is shown, and not heard
    const context = new AudioContext({sampleRate: rateHz, latencyHint: 'interactive'});
    this.#rateHz = rateHz;
    this.#context = context;
    this.#node = context.audioWorklet.addModule(this.#worklet).then(() => {
      const node = new AudioWorkletNode(context, 'sayso-playback', {numberOfInputs: 0, outputChannelCount: [1]});
      node.port.onmessage = ({data}: MessageEvent<PlaybackReport>) => {
        this.heardMs = (1_000 * data.played) / rateHz;
        this.onReport?.(data);
      };
      node.connect(context.destination);
      return node;
    });
  }

  /** Orders arrive in order, those before the worklet is loaded, too. */
  #order(order: PlaybackOrder, transferred: Transferable[] = []): void {
    void this.#node?.then((node) => node.port.postMessage(order, transferred));
  }
}

/** Let `client` come back at once when the network or the page does; return what ends that. */
export function wakeWithPage(client: SaysoClient): () => void {
  const wake = () => client.wake();
  const wakeIfVisible = () => {
    if (document.visibilityState === 'visible') client.wake();
  };
  addEventListener('online', wake);
  document.addEventListener('visibilitychange', wakeIfVisible);
  return () => {
    removeEventListener('online', wake);
    document.removeEventListener('visibilitychange', wakeIfVisible);
  };
}
