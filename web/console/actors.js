/** The supervision tree as a table that can be sorted and filtered, with a restart behind a question. */

import {html, useState} from '../vendor/preact-htm.js';
import {Badge, CopyButton, Figure, Question, Table} from './parts.js';
import {actorRows, matching, RANK} from './rows.js';

const FRESH_S = 60; // an end that is newer is marked

function columnsOf(texts) {
  const count = (id) => ({id, title: texts.columns[id], isNumber: true, isWide: true, by: (row) => row[id], cell: (row) => html`<${Figure} value=${row[id]}>${texts.number(row[id])}<//>`});
  return [
    {id: 'actor', title: texts.columns.actor, by: ({id}) => id,
      cell: ({id, depth}, isOrdered) => html`<span style=${{paddingInlineStart: isOrdered ? '0' : `${depth}rem`}}>${id}</span>`},
    {id: 'state', title: texts.columns.state, by: ({health}) => RANK[health],
      cell: ({health, state}) => html`<${Badge} health=${health}>${health === 'degraded' ? texts.health.degraded : (texts.states[state] ?? state)}<//>`},
    {id: 'incarnation', title: texts.columns.incarnation, isNumber: true, by: ({incarnation}) => incarnation, cell: ({incarnation}) => texts.number(incarnation)},
    {id: 'ended', title: texts.columns.ended, isWide: true, by: ({exit}) => exit?.ago_s,
      cell: ({exit}) => (exit === undefined ? '' : html`<span class=${exit.ago_s < FRESH_S ? 'fresh' : ''}>${texts.endedWith(exit.kind, exit.reason, texts.duration(exit.ago_s))}</span>`)},
    {id: 'queued', title: texts.columns.queued, isNumber: true, by: ({queued}) => queued, cell: ({queued}) => html`<${Figure} value=${queued}>${texts.number(queued)}<//>`},
    {id: 'oldest', title: texts.columns.oldest, isNumber: true, isWide: true, by: ({oldest}) => oldest, cell: ({oldest}) => html`<${Figure} value=${oldest}>${texts.duration(oldest)}<//>`},
    count('processed'), count('expired'), count('dropped'),
    {id: 'mean', title: texts.columns.mean, isNumber: true, isWide: true, by: ({mean}) => mean, cell: ({mean}) => html`<${Figure} value=${mean}>${texts.ms(mean)}<//>`},
  ];
}

/** Return what is copied of a row, and shown in its details. */
export const factsOf = ({id, state, incarnation, restarts, exit, trouble, queued, oldest, counters, statistics, summary}) => ({
  id, state, incarnation, restarts, last_exit: exit, trouble, queued, oldest_s: oldest, counters, statistics, summary,
});

/** Show `rows`; of an actor of one session only its role is shown. */
export function ActorsTable({server, texts, rows, label, nameOf = (id) => id}) {
  const [opened, setOpened] = useState();
  const [asked, setAsked] = useState();
  const columns = columnsOf(texts);
  const open = ({id}) => setOpened(opened === id ? undefined : id);
  columns[0] = {...columns[0], cell: (row, isOrdered) => html`<button type="button" class="open" aria-expanded=${opened === row.id}
    style=${{marginInlineStart: isOrdered ? '0' : `${row.depth}rem`}} onClick=${() => open(row)}><span aria-hidden="true">${opened === row.id ? '▾' : '▸'}</span> ${nameOf(row.id)}</button>`};
  const details = (row) => row.id === opened && html`<div class="details">
    ${row.trouble && html`<p class="warning">${row.trouble}</p>`}
    ${row.exit && html`<p>${texts.columns.ended}: ${texts.endedWith(row.exit.kind, row.exit.reason, texts.duration(row.exit.ago_s))}</p>`}
    <pre tabindex="0" aria-label=${texts.details}>${JSON.stringify(factsOf(row), null, 2)}</pre>
    <p class="acts">
      <${CopyButton} server=${server} texts=${texts} value=${() => factsOf(row)} />
      ${mayRestart(row.id) && html`<button type="button" class="small restart" onClick=${() => setAsked(row.id)}>${texts.restart}</button>`}
    </p></div>`;
  return html`<${Table} label=${label} columns=${columns} rows=${rows} keyOf=${({id}) => id} texts=${texts} moreOf=${details}
      rowOf=${({id, health, exit}) => ({'data-actor': id, class: exit !== undefined && exit.ago_s < FRESH_S ? `${health} changed` : health})} />
    ${asked !== undefined && html`<${Question} server=${server} texts=${texts} title=${texts.restartTitle(asked)} help=${texts.restartHelp} act=${texts.restartNow}
      order=${() => server.order(`api/actors/${encodeURIComponent(asked)}/restart`, {}, texts.restarted(asked))} onClose=${() => setAsked(undefined)} />`}`;
}

/** Whether an actor may be restarted by itself, as far as its name says; the server decides. */
export function mayRestart(id) {
  const alone = ['metrics', 'monitor', 'history', 'commands', 'meaning', 'inference', 'transcription', 'speech', 'media', 'load'];
  return alone.includes(id) || (id.startsWith('tools.') && id !== 'tools.router');
}

export function ActorsView({server, texts}) {
  const [search, setSearch] = useState('');
  const [isOnlyTrouble, setOnlyTrouble] = useState(false);
  const all = actorRows(server.status.tree);
  const wanted = isOnlyTrouble ? all.filter(({health}) => RANK[health] < RANK.off) : all;
  const rows = matching(wanted, search, ({id, state, trouble, exit}) => [id, state, trouble, exit?.reason]);
  return html`<section aria-labelledby="actors-title"><h2 id="actors-title">${texts.views.actors} <small>${texts.found(rows.length, all.length)}</small></h2>
    <div class="tools">
      <label class="field">${texts.filter}<input type="search" id="filter" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <label class="switch"><input type="checkbox" checked=${isOnlyTrouble} onChange=${({target}) => setOnlyTrouble(target.checked)} />${texts.onlyTrouble}</label>
      <${CopyButton} server=${server} texts=${texts} value=${() => rows.map(factsOf)} />
    </div>
    ${rows.length === 0 ? html`<p class="empty">${texts.nothingFound}</p>` : html`<${ActorsTable} server=${server} texts=${texts} rows=${rows} label=${texts.views.actors} />`}
  </section>`;
}
