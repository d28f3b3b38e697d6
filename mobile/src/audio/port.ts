/**
 * What the app needs of a device's sound; one implementation for phones, one for browsers, and one for tests.
 *
 * - The microphone gives s16le at 16 kHz, mono, in frames of some 40 ms.
 * - The loudspeaker plays s16le, mono, at the rate that the server announced, and drops it at once when told.
 */

import {MicrophoneError, type MicrophoneProblem} from '@sayso/client/browser';
import type {AudioRoute} from '../model/duplex.ts';

export {MICROPHONE_RATE_HZ, MicrophoneError, type MicrophoneProblem} from '@sayso/client/browser';

export interface AudioListeners {
  /** An answer begins to sound, or has been played to its end, or was dropped. */
  onPlaying: (isPlaying: boolean) => void;
  onRoute: (route: AudioRoute) => void;
  /** A call, an alarm or another app takes the sound, and gives it back. */
  onInterruption: (isTaken: boolean) => void;
  /** The microphone was unplugged, or its permission taken back. */
  onMicrophoneEnded: () => void;
  /** The user has pressed "Stop" outside of the app, in the notification. */
  onStopped: () => void;
}

/** Tells the user outside of the app that it listens; Android demands it of an app that listens behind others. */
export interface ListeningNotice {
  title: string;
  text: string;
  stop: string;
}

export interface MicrophoneRequest {
  onFrame: (pcm: Uint8Array<ArrayBuffer>, peak: number) => void;
  notice: ListeningNotice;
  /** Whether it goes on listening while another app is in front. */
  isInBackground: boolean;
}

export interface AudioPort {
  /** Whether the device takes its own sound out of what the microphone hears. */
  readonly cancelsEcho: boolean;
  readonly route: AudioRoute;
  /** How much of the answer has been heard. */
  readonly heardMs: number;
  /** Ask for permission if need be, and open; throws `MicrophoneError`. */
  openMicrophone(request: MicrophoneRequest): Promise<void>;
  closeMicrophone(): Promise<void>;
  /** Begin an answer at this rate. */
  startSpeech(rateHz: number): void;
  play(pcm: ArrayBuffer): void;
  /** Forget what was not played. */
  flush(): void;
  /** Make it quieter: the user may be speaking. */
  duck(): void;
  unduck(): void;
  close(): void;
}

export type OpenAudio = (listeners: AudioListeners) => AudioPort;

/** Return the problem of a failed microphone; what is no `MicrophoneError` is thrown again. */
export function problemOf(error: unknown): MicrophoneProblem {
  if (error instanceof MicrophoneError) return error.problem;
  throw error;
}
