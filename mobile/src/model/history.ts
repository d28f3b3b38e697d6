/** The turns of before: those that the server keeps (`GET /api/conversations`), or those that this app has seen. Pure. */

import type {Conversation} from './conversation.ts';

/** The most that the server gives at once. */
export const MAX_PAST = 500;

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
  return [{id: `${text(session_id)} ${turn_id}`, at: 1_000 * timestamp, heard: text(heard), replied: text(replied), outcome: text(outcome)}];
}

/** Return the turns in an answer of the server, newest first, each once; undefined if it has none. */
export function pastTurns(page: unknown): PastTurn[] | undefined {
  const {turns} = (page ?? {}) as {turns?: unknown};
  if (!Array.isArray(turns)) return undefined;
  const byId = new Map(turns.flatMap(pastTurn).map((turn) => [turn.id, turn]));
  return [...byId.values()].filter(({heard, replied}) => heard !== '' || replied !== '');
}

/** Return the turns that this app has seen, newest first. */
export function ownTurns({turns}: Conversation): PastTurn[] {
  const past = turns.map(({id, startedAt, said, reply, error, outcome}) => ({
    id, at: startedAt, heard: said, replied: reply || (error ?? ''), outcome: outcome ?? '',
  }));
  return past.toReversed();
}

/** Return the turns in which all words of `search` were heard or replied. */
export function foundTurns(turns: readonly PastTurn[], search: string): readonly PastTurn[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
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
