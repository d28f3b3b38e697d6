/** What is in the way of a conversation, and what the user can do about it. Pure. */

import {BAD_KEY, IDLE, NORMAL, REPLACED, RESTARTED, TRY_LATER, type ConnectionState} from '@sayso/client';
import type {MicrophoneProblem} from '@sayso/client/browser';
import {causeOf} from './connection-cause.ts';

/** Version of the protocol that this app speaks. */
export const PROTOCOL = 1;

export type MicrophoneTrouble = MicrophoneProblem | 'unplugged' | 'taken';
export type TroubleKind =
  | MicrophoneTrouble
  | 'no_server' | 'offline' | 'away' | 'certificate' | 'full' | 'leaving' | 'key' | 'often' | 'elsewhere' | 'newer'
  | 'replaced' | 'idle' | 'ended' | 'trouble';
/** Why the app does not connect until the user has changed something. */
export type Refusal = 'key' | 'elsewhere' | 'newer';
export type TroubleAction = 'try_now' | 'use_here' | 'connect' | 'open_server' | 'open_phone_settings';

export interface Trouble {
  kind: TroubleKind;
  /** What the server or the phone said. */
  reason: string | undefined;
  /** As `Date.now`, where the next try comes by itself. */
  retryAt: number | undefined;
  action: TroubleAction | undefined;
}

export interface TroubleSources {
  hasServer: boolean;
  isOnline: boolean;
  connection: ConnectionState;
  /** Whether the connection is being opened after a loss. */
  wasOpen: boolean;
  refusal: Refusal | undefined;
  microphone: MicrophoneTrouble | undefined;
}

const TOO_OFTEN = 4029;
const KIND_BY_CODE: Readonly<Record<number, TroubleKind>> = {[NORMAL]: 'ended', [BAD_KEY]: 'key', [IDLE]: 'idle', [REPLACED]: 'replaced'};
const ACTION_BY_KIND: Partial<Record<TroubleKind, TroubleAction>> = {
  no_server: 'open_server', key: 'open_server', elsewhere: 'open_server', newer: 'open_server', trouble: 'connect', idle: 'connect',
  ended: 'connect', replaced: 'use_here', denied: 'open_phone_settings',
};

function trouble(kind: TroubleKind, rest: Partial<Trouble> = {}): Trouble {
  return {kind, reason: undefined, retryAt: undefined, action: ACTION_BY_KIND[kind], ...rest};
}

/** Return what a lost connection that is tried again is about. */
function waiting(code: number, reason: string, isOnline: boolean): TroubleKind {
  if (code === TRY_LATER) return 'full';
  if (code === TOO_OFTEN) return 'often';
  if (code === RESTARTED) return 'leaving';
  const cause = causeOf(reason);
  if (cause === 'certificate' || cause === 'often' || cause === 'full') return cause;
  return isOnline ? 'away' : 'offline';
}

function ofConnection({hasServer, isOnline, connection, wasOpen, refusal}: TroubleSources): Trouble | undefined {
  if (!hasServer) return trouble('no_server');
  if (refusal !== undefined && connection.phase !== 'open') return trouble(refusal);
  if (connection.phase === 'waiting') {
    const {code, reason, retryAt} = connection;
    return trouble(waiting(code, reason, isOnline), {reason: reason || undefined, retryAt, action: 'try_now'});
  }
  if (connection.phase === 'connecting' && wasOpen) return trouble(isOnline ? 'away' : 'offline', {retryAt: 0});
  if (connection.phase !== 'closed') return undefined;
  const kind = KIND_BY_CODE[connection.code] ?? 'trouble';
  return trouble(kind, {reason: kind === 'trouble' ? connection.reason || undefined : undefined});
}

/** Return the worst trouble: a connection that is missing comes before a microphone that is. */
export function troubleOf(sources: TroubleSources): Trouble | undefined {
  const found = ofConnection(sources);
  if (found !== undefined) return found;
  return sources.microphone === undefined ? undefined : trouble(sources.microphone);
}

/** Return why the server refuses the app's requests over HTTP, by the status of one. */
export function refusalBy(status: number, hasKey: boolean): Refusal | undefined {
  if (status === 401) return 'key';
  return (status === 403 && !hasKey) || status === 421 ? 'elsewhere' : undefined;
}
