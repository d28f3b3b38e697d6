/**
 * Whether, and after how long, a lost connection is opened again.
 *
 * - The table of close codes is that of docs/protocol.md; a code that is not in it ends the session.
 * - The waits are the full jitter of Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): a
 *   random time up to a bound that doubles, so that the clients of a server that stops do not all come back at once.
 * - A wait that the server names is kept, and a little more is added, for the same reason.
 */

export const NORMAL = 1000;
export const MISTAKE = 1008;
export const RESTARTED = 1012;
export const TRY_LATER = 1013;
/** What this client closes with to come back; the server keeps the session. */
export const AWAY = 4000;
/** There is no key, or none that is good. */
export const BAD_KEY = 4001;
export const IDLE = 4008;
export const REPLACED = 4090;

export type Return = 'soon' | 'as told' | 'never';

export const BY_CLOSE_CODE: Readonly<Record<number, Return>> = {
  [NORMAL]: 'never', // bye was answered
  1001: 'soon', // something on the way, such as a proxy that is replaced
  1002: 'never', // 1002, 1007, 1008 and 1009: a mistake of this client, which it would make again
  1005: 'soon',
  1006: 'soon',
  1007: 'never',
  [MISTAKE]: 'never',
  1009: 'never',
  1011: 'soon', // the session failed
  [RESTARTED]: 'as told',
  [TRY_LATER]: 'as told',
  [AWAY]: 'soon',
  [BAD_KEY]: 'never', // the key is missing, unknown, revoked or expired; the session waits for another key
  4029: 'as told', // too many wrong keys came from this address
  [IDLE]: 'never', // connect again when there is something to say
  [REPLACED]: 'never', // another connection has taken over the session
  4100: 'soon', // the server was too slow, or we were
};

export interface ReconnectPolicy {
  /** The first try comes within this time. */
  firstMs: number;
  /** Longest wait between two tries, unless the server names one; below the 30 s that a session waits by default. */
  longestMs: number;
  /** Wait for a server that is being replaced and named no time: at random between these. */
  restartMs: readonly [number, number];
  /** A connection that lasted that long begins a new series of tries. */
  stableMs: number;
}

export const DEFAULT_POLICY: ReconnectPolicy = {firstMs: 500, longestMs: 20_000, restartMs: [5_000, 30_000], stableMs: 10_000};

/**
 * Return how many ms to wait before the next try; undefined if there shall be none.
 *
 * `retryAfterMs` is what the server asked for, `tries` how many have failed in this series, `random` draws from 0 to 1.
 */
export function waitMs(
  code: number, retryAfterMs: number | undefined, tries: number, random: () => number, policy = DEFAULT_POLICY,
): number | undefined {
  if ((BY_CLOSE_CODE[code] ?? 'never') === 'never') return undefined;
  const jitterMs = random() * Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(tries, 16));
  if (retryAfterMs !== undefined) return retryAfterMs + jitterMs;
  const [least, most] = policy.restartMs;
  return code === RESTARTED ? least + random() * (most - least) : jitterMs;
}
