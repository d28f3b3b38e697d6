/** The tools with the servers that are missing, the speech models to load and unload, the language models' breakers. */

import {html, useState} from '../vendor/preact-htm.js';
import {Badge, CopyButton, Question, Table} from './parts.js';
import {actorRows, breakers, matching} from './rows.js';

const BREAKER_HEALTH = {closed: 'well', open: 'down', probing: 'degraded'};
const MODEL_HEALTH = {loaded: 'well', loading: 'changing', available: 'off'};

function Tools({server, texts}) {
  const [search, setSearch] = useState('');
  const {tools} = server;
  const all = tools?.tools ?? [];
  const rows = matching(all, search, ({name, server: owner, description}) => [name, owner, description]);
  const columns = [
    {id: 'tool', title: texts.columns.tool, by: ({name}) => name, cell: ({name}) => html`<code>${name}</code>`},
    {id: 'server', title: texts.columns.server, by: (row) => row.server, cell: (row) => row.server},
    {id: 'about', title: texts.columns.about, isWide: true, cell: ({description}) => html`<span class="about">${description}</span>`},
  ];
  return html`<section aria-labelledby="tools-title"><h2 id="tools-title">${texts.toolsTitle} ${tools && html`<small>${texts.found(rows.length, all.length)}</small>`}</h2>
    ${tools?.missing.length > 0 && html`<p class="warning" role="alert">${texts.missing(tools.missing.join(', '))}</p>`}
    <div class="tools"><label class="field">${texts.filter}<input type="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <${CopyButton} server=${server} texts=${texts} value=${() => rows} /></div>
    ${tools === undefined ? html`<p class="empty">${texts.loading}</p>` : rows.length === 0 ? html`<p class="empty">${all.length === 0 ? texts.noTools : texts.nothingFound}</p>`
      : html`<${Table} label=${texts.toolsTitle} columns=${columns} rows=${rows} keyOf=${(row) => `${row.server}/${row.name}`} texts=${texts} />`}</section>`;
}

function Models({server, texts}) {
  const [asked, setAsked] = useState();
  const [name, setName] = useState('');
  const mayOperate = server.access?.may_operate === true;
  const load = (wanted) => void server.order('api/models/load', {name: wanted}, texts.loaded(wanted));
  const columns = [
    {id: 'model', title: texts.columns.model, cell: (row) => html`${row.name}${row.is_usual && html` <small>${texts.usual}</small>`}`},
    {id: 'state', title: texts.columns.state, cell: ({state}) => html`<${Badge} health=${MODEL_HEALTH[state] ?? 'changing'}>${texts.modelStates[state] ?? state}<//>`},
    {id: 'device', title: texts.columns.device, isWide: true, cell: ({device, compute_type: type}) => [device, type].filter(Boolean).join(', ')},
    {id: 'memory', title: texts.columns.memory, isNumber: true, cell: ({memory_bytes: bytes}) => (bytes > 0 ? texts.bytes(bytes) : '')},
    {id: 'act', title: texts.columns.act, cell: (row) => (row.is_usual || row.state === 'loading' ? '' : row.state === 'loaded'
      ? html`<button type="button" class="small" onClick=${() => setAsked(row.name)}>${texts.unload}</button>`
      : html`<button type="button" class="small" disabled=${!mayOperate} onClick=${() => load(row.name)}>${texts.load}</button>`)},
  ];
  const loadNamed = (event) => {
    event.preventDefault();
    if (name.trim() !== '') load(name.trim());
    setName('');
  };
  return html`<section aria-labelledby="models-title"><h2 id="models-title">${texts.modelsTitle}</h2>
    ${server.models === undefined ? html`<p class="empty">${texts.loading}</p>` : html`<${Table} label=${texts.modelsTitle} columns=${columns} rows=${server.models} keyOf=${(row) => row.name} texts=${texts} rowOf=${(row) => ({'data-model': row.name})} />`}
    ${mayOperate ? html`<form class="tools" onSubmit=${loadNamed}><label class="field">${texts.modelName}<input value=${name} onInput=${({target}) => setName(target.value)} autocomplete="off" /></label>
      <button class="small">${texts.load}</button></form>` : html`<p class="quiet">${texts.mayNot}</p>`}
    ${asked !== undefined && html`<${Question} server=${server} texts=${texts} title=${texts.unloadTitle(asked)} help=${texts.unloadHelp} act=${texts.unloadNow}
      order=${() => server.order('api/models/unload', {name: asked}, texts.unloaded(asked))} onClose=${() => setAsked(undefined)} />`}
  </section>`;
}

function Breakers({server, texts}) {
  const rows = breakers(actorRows(server.status.tree));
  const columns = [
    {id: 'provider', title: texts.columns.provider, cell: ({name}) => name},
    {id: 'breaker', title: texts.columns.breaker, cell: ({breaker}) => html`<${Badge} health=${BREAKER_HEALTH[breaker] ?? 'changing'}>${breaker}<//>`},
    {id: 'limit', title: texts.columns.limit, isNumber: true, cell: ({limit}) => texts.number(limit)},
    {id: 'inFlight', title: texts.columns.inFlight, isNumber: true, cell: ({in_flight: count}) => texts.number(count)},
    {id: 'waiting', title: texts.columns.waiting, isNumber: true, cell: ({waiting}) => texts.number(waiting)},
  ];
  return html`<section aria-labelledby="breakers-title"><h2 id="breakers-title">${texts.breakersTitle}</h2>
    ${rows.length === 0 ? html`<p class="empty">${texts.noBreakers}</p>` : html`<${Table} label=${texts.breakersTitle} columns=${columns} rows=${rows} keyOf=${({name}) => name} texts=${texts} />`}</section>`;
}

export function ToolsView({server, texts}) {
  return html`<${Models} server=${server} texts=${texts} /><${Breakers} server=${server} texts=${texts} /><${Tools} server=${server} texts=${texts} />`;
}
