/** The test of a server: its steps, and what each finding means. Pure; `state/prober.ts` asks. */

import {BAD_KEY, MISTAKE, TRY_LATER} from '@sayso/client';
import {causeOf, type ConnectionCause} from './connection-cause.ts';
import {PROTOCOL} from './trouble.ts';

export type ProbeStep = 'reach' | 'key' | 'session';
export const STEPS: readonly ProbeStep[] = ['reach', 'key', 'session'];
export type ProbeProblem =
  | ConnectionCause | 'offline' | 'this_device' | 'unknown' | 'no_key' | 'wrong_key' | 'wrong_scope' | 'newer' | 'stopping' | 'closed';

export interface Finding {
  step: ProbeStep;
  /** Undefined if the step went well. */
  problem: ProbeProblem | undefined;
  /** What the server or the phone said, if that is worth showing; of a good session the server's version. */
  detail: string | undefined;
}

export type Answer = {status: number; body: unknown} | {failed: string};
export type SessionEnd = {protocol: number; version: string} | {code: number; reason: string};

const good = (step: ProbeStep, detail?: string): Finding => ({step, problem: undefined, detail});
const bad = (step: ProbeStep, problem: ProbeProblem, detail?: string): Finding => ({step, problem, detail: detail || undefined});

export interface Reach {
  answer: Answer;
  /** The answer with TLS instead of without, or the other way round, where the first one failed. */
  other: Answer | undefined;
  isSecure: boolean;
  isThisDevice: boolean;
  isOnline: boolean;
}

const isHealth = (answer: Answer | undefined) =>
  answer !== undefined && 'status' in answer && typeof (answer.body as {status?: unknown} | null)?.status === 'string';

/** Return what the first request, to `/health`, says. */
export function reachFinding({answer, other, isSecure, isThisDevice, isOnline}: Reach): Finding {
  if ('failed' in answer) {
    if (isHealth(other)) return bad('reach', isSecure ? 'no_tls' : 'wants_tls');
    if (!isOnline) return bad('reach', 'offline');
    if (isThisDevice) return bad('reach', 'this_device', answer.failed);
    return bad('reach', causeOf(answer.failed) ?? 'unknown', answer.failed);
  }
  if (answer.status === 421) return bad('reach', 'elsewhere');
  if (!isHealth(answer)) return bad('reach', 'not_sayso', `HTTP ${answer.status}`);
  return answer.status === 200 ? good('reach') : bad('reach', 'stopping');
}

/** Return what a request for `/api/commands`, which needs a key to talk, says. */
export function keyFinding(answer: Answer, hasKey: boolean): Finding {
  if ('failed' in answer) return bad('key', causeOf(answer.failed) ?? 'unknown', answer.failed);
  if (answer.status === 401) return bad('key', hasKey ? 'wrong_key' : 'no_key');
  if (answer.status === 403) return bad('key', hasKey ? 'wrong_scope' : 'elsewhere');
  if (answer.status === 421) return bad('key', 'elsewhere');
  if (answer.status === 429) return bad('key', 'often');
  return answer.status < 500 ? good('key') : bad('key', 'stopping', `HTTP ${answer.status}`);
}

/** Return what an attempt to open a session says. */
export function sessionFinding(end: SessionEnd): Finding {
  if ('protocol' in end) return end.protocol > PROTOCOL ? bad('session', 'newer', end.version) : good('session', end.version);
  if (end.code === BAD_KEY) return bad('session', 'wrong_key', end.reason);
  if (end.code === TRY_LATER) return bad('session', 'full', end.reason);
  if (end.code === 4029) return bad('session', 'often', end.reason);
  if (end.code === MISTAKE) return bad('session', 'not_sayso', end.reason);
  return bad('session', causeOf(end.reason) ?? 'closed', end.reason || `${end.code}`);
}
