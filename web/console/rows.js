/** What the server's status says of actors, pools, breakers and signals, as rows of tables. Pure. */

const DOWN = new Set(['backoff', 'zombie', 'stopped']);
const SESSIONS = 'sessions';
export const RANK = {down: 0, degraded: 1, changing: 2, off: 3, well: 4};

const sumOf = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Return why an actor cannot do its work, as far as its figures say; undefined if it can. */
export function troubleIn({trouble, problem, pool}) {
  return trouble ?? problem ?? pool?.trouble ?? (pool && pool.ready === 0 ? 'no worker process is ready' : undefined) ?? undefined;
}

function healthOf(state, trouble) {
  if (DOWN.has(state)) return 'down';
  if (state === 'skipped') return 'off';
  if (state !== 'ready') return 'changing';
  return trouble === undefined ? 'well' : 'degraded';
}

/** Return one row of the actors' table. */
export function actorRow(node, depth = 0) {
  const {id, state, incarnation, restarts, last_exit: exit, mailbox, statistics} = node;
  const {counters} = mailbox;
  const trouble = troubleIn(statistics);
  return {
    id, depth, state, incarnation, restarts, exit, trouble, health: healthOf(state, trouble), queued: mailbox.queued, oldest: mailbox.head_age_s,
    processed: counters.processed, expired: counters.expired, dropped: sumOf(counters.dropped) + counters.rejected,
    mean: 1_000 * counters.latency_s, statistics, counters, summary: node.summary,
  };
}

/** Return the rows of the actors below `node`, parents first; those of sessions are left out. */
export function actorRows(node, depth = 0) {
  return node.children.flatMap((child) => [actorRow(child, depth), ...(child.id === SESSIONS ? [] : actorRows(child, depth + 1))]);
}

/** Return the rows in another order; what is equal, and what has no value, keeps its own. */
export function sorted(rows, valueOf, isDown) {
  const sign = isDown ? -1 : 1;
  const compare = (a, b) => (typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b);
  return [...rows].sort((one, other) => {
    const [a, b] = [valueOf(one), valueOf(other)];
    if (a == null || b == null) return (a == null) - (b == null);
    return sign * compare(a, b);
  });
}

/** Return the rows that hold each word of `search` in one of their texts. */
export function matching(rows, search, textsOf) {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return words.length === 0 ? rows : rows.filter((row) => {
    const text = textsOf(row).filter((one) => one != null).join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Return the pools of worker processes: [{id, size, ready, busy, waiting, crashes, bytes, workers}]. */
export function pools(rows) {
  return rows.filter(({statistics}) => statistics.pool).map(({id, statistics: {pool}}) => ({
    id, size: pool.size, ready: pool.ready, spares: pool.spares, busy: Math.round(pool.busy_ratio * Math.max(0, pool.ready - pool.spares)),
    waiting: pool.waiting, crashes: pool.crashes, bytes: pool.pss_bytes || pool.rss_bytes, workers: pool.workers, trouble: pool.trouble,
  }));
}

/** Return the breakers of the language models. */
export const breakers = (rows) => rows.flatMap(({statistics: {guards}}) => guards ?? []);

/** Return the signals of the load: [{name, value, unit, marks: [{level, up, down}], isScarce, level}], the worst first. */
export function signals(load) {
  return Object.entries(load?.signals ?? {}).map(([name, {value, unit, marks}]) => {
    const all = Object.entries(marks).map(([level, [up, down]]) => ({level: Number(level), up, down}));
    const isScarce = all.some(({up, down}) => up < down);
    const reached = all.filter(({up}) => value !== null && (isScarce ? value <= up : value >= up)).map(({level}) => level);
    return {name, value, unit, marks: all, isScarce, level: Math.max(0, ...reached)};
  }).sort((one, other) => other.level - one.level);
}

/** Return what needs attention, the worst first: [{id, health, why}]. */
export function attention(rows, missing) {
  const found = rows.filter(({health}) => health === 'down' || health === 'degraded');
  return [
    ...sorted(found, ({health}) => RANK[health]).map(({id, health, trouble, exit}) => ({id, health, why: trouble ?? exit?.reason ?? ''})),
    ...breakers(rows).filter(({breaker}) => breaker !== 'closed').map(({name, breaker}) => ({id: name, health: 'degraded', why: breaker})),
    ...missing.filter((name) => !found.some(({id}) => id === `tools.${name}`)).map((name) => ({id: `tools.${name}`, health: 'degraded', why: ''})),
  ];
}
