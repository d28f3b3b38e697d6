/** What is in the way of a conversation, and what the user can do about it. Pure. */

/** What stands in `texts.troubles`, by the close code of a connection that is not tried again. */
const BY_CLOSE_CODE = {1000: 'ended', 4001: 'key', 4008: 'idle', 4090: 'replaced'};
const ACTION_BY_KIND = {replaced: 'useHere', idle: 'connect', ended: 'connect', key: undefined, elsewhere: 'reload', trouble: 'reload'};
const FULL = 1013;
const RESTARTED = 1012;
const TOO_OFTEN = 4029;

function ofConnection({phase, code, reason, retryAt}, refusal, isAway) {
  if (refusal !== undefined && phase !== 'open') return {kind: refusal, action: ACTION_BY_KIND[refusal]};
  if (phase === 'waiting') {
    const kind = code === FULL ? 'full' : code === TOO_OFTEN ? 'often' : code === RESTARTED ? 'leaving' : 'away';
    return {kind, reason: code === FULL ? reason : undefined, retryAt, action: 'tryNow'};
  }
  if (phase === 'connecting' && isAway) return {kind: 'away', retryAt: 0, action: undefined};
  if (phase !== 'closed') return undefined;
  const kind = BY_CLOSE_CODE[code] ?? 'trouble';
  return {kind, reason: kind === 'trouble' ? reason : undefined, action: ACTION_BY_KIND[kind]};
}

/**
 * Return {kind, reason, retryAt, action} of the worst trouble, or undefined.
 *
 * `refusal` is why the server refuses this page, `isAway` whether the connection is being opened after a loss.
 */
export function troubleOf({connection, refusal, isAway, microphoneProblem}) {
  const found = ofConnection(connection, refusal, isAway);
  if (found !== undefined) return found;
  return microphoneProblem === undefined ? undefined : {kind: microphoneProblem};
}

/** Return why the server refuses the page's requests, by the status of one: a key is missing, or the page's address. */
export function refusalBy(status, hasKey = false) {
  if (status === 401) return 'key';
  return (status === 403 && !hasKey) || status === 421 ? 'elsewhere' : undefined;
}
