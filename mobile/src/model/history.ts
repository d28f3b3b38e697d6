/** The turns of before: those that the server keeps (`GET /api/conversations`), or those that this app has seen. Pure. */

import type {Conversation} from './conversation.ts';

/** How many turns are asked for at once; the server gives 500 at most. */
export const PAGE_TURNS = 100;
/** The most that are kept for the screen. */
export const MAX_PAST = 2_000;

export interface PastTurn {
  id: string;
  /** As `Date.now`. */
  at: number;
  heard: string;
  replied: string;
  outcome: string;
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

function pastTurn(value: unknown): PastTurn[] {
  const {session_id, turn_id, timestamp, heard, replied, outcome} = (value ?? {}) as Record<string, unknown>;
  if (typeof timestamp !== 'number' || typeof turn_id !== 'string') return [];
  return [
    {id: `${text(session_id)} ${turn_id}`, at: 1_000 * timestamp, heard: text(heard), replied: text(replied), outcome: text(outcome)},
  ];
}

/** What the server has told of its history. */
export interface Past {
  /** Newest first. */
  turns: readonly PastTurn[];
  /** Names the page behind these; undefined if there is none. */
  next: string | undefined;
}

function distinct(turns: readonly PastTurn[]): PastTurn[] {
  return [...new Map(turns.map((turn) => [turn.id, turn])).values()];
}

/** Return the turns in an answer of the server, newest first, each once; undefined if it is none. */
export function pastOf(page: unknown): Past | undefined {
  const {turns, next} = (page ?? {}) as {turns?: unknown; next?: unknown};
  if (!Array.isArray(turns)) return undefined;
  const found = distinct(turns.flatMap(pastTurn)).filter(({heard, replied}) => heard !== '' || replied !== '');
  return {turns: found, next: typeof next === 'string' && next !== '' ? next : undefined};
}

/** Return the turns with those of the page behind them. */
export function withPage(past: Past, page: Past): Past {
  const turns = distinct([...past.turns, ...page.turns]).slice(0, MAX_PAST);
  return {turns, next: turns.length < MAX_PAST ? page.next : undefined};
}

/** Return the path and query of a page: the turns that hold all `words`, behind the page that named `after`. */
export function pastPath(words: string, after: string | undefined): string {
  const query = [
    `limit=${PAGE_TURNS}`,
    ...(words === '' ? [] : [`q=${encodeURIComponent(words)}`]),
    ...(after === undefined ? [] : [`after=${encodeURIComponent(after)}`]),
  ];
  return `api/conversations?${query.join('&')}`;
}

/** Return the turns that this app has seen, newest first. */
export function ownTurns({turns}: Conversation): PastTurn[] {
  const past = turns.map(({id, startedAt, said, reply, error, outcome}) => ({
    id,
    at: startedAt,
    heard: said,
    replied: reply || (error ?? ''),
    outcome: outcome ?? '',
  }));
  return past.toReversed();
}

/** Return the turns in which all words of `search` were heard or replied. */
export function foundTurns(turns: readonly PastTurn[], search: string): readonly PastTurn[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return turns;
  return turns.filter(({heard, replied}) => {
    const all = `${heard} ${replied}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

export interface Day {
  /** Local midnight, as `Date.now`. */
  at: number;
  data: PastTurn[];
}

/** Return the turns by the day on which they were said. */
export function byDay(turns: readonly PastTurn[]): Day[] {
  const days = new Map<number, PastTurn[]>();
  for (const turn of turns) {
    const at = new Date(turn.at).setHours(0, 0, 0, 0);
    const day = days.get(at);
    if (day === undefined) days.set(at, [turn]);
    else day.push(turn);
  }
  return [...days].map(([at, data]) => ({at, data}));
}
