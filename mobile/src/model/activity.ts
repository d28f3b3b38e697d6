/** What the app does now, in one word, and what is felt when that changes. Pure. */

import type {ConnectionState} from '@sayso/client';
import {doing, type Conversation} from './conversation.ts';

export type MicrophoneState = 'off' | 'opening' | 'on' | 'taken';
export type Activity =
  | 'offline' | 'connecting' | 'opening' | 'ready' | 'listening' | 'asleep' | 'hearing' | 'thinking' | 'acting' | 'asking' | 'speaking';

export interface ActivitySources {
  connection: ConnectionState;
  wasOpen: boolean;
  conversation: Conversation;
  microphone: MicrophoneState;
  mode: 'hands_free' | 'push_to_talk';
  isPressed: boolean;
  isPlaying: boolean;
}

export function activityOf(sources: ActivitySources, now: number): Activity {
  const {connection: {phase}, wasOpen, conversation, microphone, mode, isPressed, isPlaying} = sources;
  if (phase === 'connecting' && !wasOpen) return 'connecting';
  if (phase !== 'open') return 'offline';
  const found = doing(conversation, isPlaying, now);
  if (found !== 'idle') return found;
  if (microphone === 'opening') return 'opening';
  if (microphone !== 'on' || (mode === 'push_to_talk' && !isPressed)) return 'ready';
  return conversation.isAsleep && !isPressed ? 'asleep' : 'listening';
}

/** What the phone's motor says: something began, ended, wants an answer, or failed. */
export type Feedback = 'began' | 'ended' | 'question' | 'failed';

/** Return what is felt when the app's activity, or the number of its failed turns, changes. */
export function feedbackFor(
  before: {activity: Activity; failures: number}, after: {activity: Activity; failures: number},
): Feedback | undefined {
  if (after.failures > before.failures) return 'failed';
  if (after.activity === before.activity) return undefined;
  if (after.activity === 'asking') return 'question';
  if (after.activity === 'offline') return before.activity === 'connecting' ? undefined : 'failed';
  if (after.activity === 'hearing') return 'began';
  return before.activity === 'hearing' ? 'ended' : undefined;
}

/** Return how many turns failed or were refused. */
export function failuresIn({turns}: Conversation): number {
  return turns.filter(({outcome, error}) => outcome === 'failed' || outcome === 'refused' || error !== undefined).length;
}
