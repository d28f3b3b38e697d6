/**
 * Whether the microphone is heard while an answer is played. Pure.
 *
 * - With headphones the microphone does not hear the answer: it stays open, and the user may speak into the answer.
 * - On the loudspeaker it would hear the answer as if it were said. Where nothing cancels that echo, silence of the same length
 *   is sent, so that positions in samples stay true, and the user taps to interrupt.
 */

export type MicrophonePolicy = 'automatic' | 'always' | 'never';
export type AudioRoute = 'headphones' | 'loudspeaker' | 'unknown';

/** So long after an answer its sound is still in the air, and in the phone's buffers. */
export const TAIL_MS = 300;

export interface Playback {
  isPlaying: boolean;
  /** When the last answer was played to its end, as `now`; undefined if it was cut off, or there was none. */
  endedAt: number | undefined;
}

/** Return whether an answer, while it is played, silences the microphone. */
export function isHalfDuplex(policy: MicrophonePolicy, route: AudioRoute, cancelsEcho: boolean): boolean {
  if (policy === 'automatic') return route !== 'headphones' && !cancelsEcho;
  return policy === 'never';
}

/** Return whether silence is sent in place of what the microphone gives at `now`, in ms. */
export function isSilenced(isHalf: boolean, {isPlaying, endedAt}: Playback, now: number): boolean {
  return isHalf && (isPlaying || (endedAt !== undefined && now - endedAt < TAIL_MS));
}
