/** The sessions as people know them, and one of them in depth. */

import {html, useEffect, useState} from '../vendor/preact-htm.js';
import {ActorsTable} from './actors.js';
import {Badge, CopyButton, Figure, Pager, Table} from './parts.js';
import {actorRow, actorRows} from './rows.js';
import {SESSIONS_A_PAGE} from './server.js';
import {Waterfall} from './turns.js';

const TYPING_MS = 300;

const doingOf = ({is_lost: isLost, doing, state}, texts) => (isLost ? texts.awaited : (texts.doing[doing] ?? doing?.toLowerCase() ?? texts.states[state] ?? state));
const healthOf = ({is_lost: isLost, state}) => (isLost || state !== 'ready' ? 'changing' : 'well');

function columnsOf(texts) {
  return [
    {id: 'user', title: texts.columns.user, by: ({user}) => user, cell: ({id, user}) => html`<a href=${`#sessions/${id}`}>${user ?? id}</a>`},
    {id: 'client', title: texts.columns.client, by: ({client_id: client}) => client, cell: (row) => html`${row.client_id} <small>${row.peer}</small>`},
    {id: 'since', title: texts.columns.since, isNumber: true, by: ({age_s: age}) => age, cell: ({age_s: age}) => (age === undefined ? '' : texts.duration(age))},
    {id: 'doing', title: texts.columns.doing, by: (row) => doingOf(row, texts), cell: (row) => html`<${Badge} health=${healthOf(row)}>${doingOf(row, texts)}<//> <small>${row.mode ? texts.speaks(row.mode, row.language) : ''}</small>`},
    {id: 'turns', title: texts.columns.turns, isNumber: true, isWide: true, by: ({turns}) => turns, cell: ({turns}) => (turns === undefined ? '' : texts.number(turns))},
    {id: 'reconnects', title: texts.columns.reconnects, isNumber: true, isWide: true, by: (row) => row.reconnects, cell: (row) => (row.reconnects === undefined ? '' : html`<${Figure} value=${row.reconnects}>${texts.number(row.reconnects)}<//>`)},
    {id: 'words', title: texts.columns.words, isWide: true, cell: ({last_words: words}) => (words === undefined ? '' : html`<span class="said">“${words.heard}”</span>`)},
  ];
}

function SessionsList({server, texts}) {
  const {sessions, offset} = server;
  const [search, setSearch] = useState(server.search);
  useEffect(() => {
    const timer = setTimeout(() => search.trim() !== server.search && server.find(search.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [search]);
  const rows = sessions?.sessions ?? [];
  return html`<section aria-labelledby="sessions-title"><h2 id="sessions-title">${texts.views.sessions} ${sessions && html`<small>${texts.found(sessions.found, sessions.count)}</small>`}</h2>
    <div class="tools">
      <label class="field">${texts.searchSessions}<input type="search" id="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <${CopyButton} server=${server} texts=${texts} value=${() => rows} />
    </div>
    ${sessions === undefined ? html`<p class="empty">${texts.loading}</p>` : rows.length === 0 ? html`<p class="empty">${sessions.count === 0 ? texts.noSessions : texts.nothingFound}</p>`
      : html`<${Table} label=${texts.views.sessions} columns=${columnsOf(texts)} rows=${rows} keyOf=${({id}) => id} texts=${texts} rowOf=${({id}) => ({'data-session': id})} />`}
    <${Pager} at=${offset / SESSIONS_A_PAGE} count=${sessions?.found ?? 0} size=${SESSIONS_A_PAGE} texts=${texts} onGo=${(at) => server.find(server.search, at * SESSIONS_A_PAGE)} />
  </section>`;
}

function Session({server, texts}) {
  const {session, place: {id}} = server;
  if (session?.id !== id) return html`<p class="empty">${texts.loading}</p>`;
  if (session.isGone) return html`<p class="empty">${texts.sessionGone}</p>`;
  const {tree, last_turns: turns, ...row} = session;
  return html`
    <div class="tools"><h2>${row.user} <small>${row.client_id}</small></h2><${CopyButton} server=${server} texts=${texts} value=${() => session} /></div>
    <dl class="facts">
      ${[[texts.columns.client, row.peer], [texts.columns.since, row.age_s === undefined ? '' : texts.duration(row.age_s)], [texts.columns.doing, `${doingOf(row, texts)} (${texts.speaks(row.mode, row.language)})`],
        [texts.columns.turns, row.turns], [texts.columns.reconnects, row.reconnects], ['id', id]].map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
    <h3>${texts.itsTurns}</h3>
    ${turns.length === 0 ? html`<p class="empty">${texts.noTurns}</p>` : html`<${Waterfall} turns=${[...turns].reverse()} texts=${texts} isAlone=${true} />`}
    <h3>${texts.itsActors}</h3>
    <${ActorsTable} server=${server} texts=${texts} rows=${[actorRow(tree), ...actorRows(tree, 1)]} label=${texts.itsActors}
      nameOf=${(one) => (one === id ? texts.session : one.replace(`${id}.`, ''))} />`;
}

export function SessionsView({server, texts}) {
  if (server.place.id === undefined) return html`<${SessionsList} server=${server} texts=${texts} />`;
  return html`<section><p><a href="#sessions">← ${texts.back}</a></p><${Session} server=${server} texts=${texts} /></section>`;
}
