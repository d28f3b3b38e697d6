/** The first view: what needs attention, the figures of now and of the past, the worker processes. */

import {html} from '../vendor/preact-htm.js';
import {Chart} from './chart.js';
import {NoticeList} from './notices.js';
import {Badge, Figure, Table} from './parts.js';
import {actorRows, attention, pools, signals} from './rows.js';
import {RANGES} from './server.js';

const SHOWN_NOTICES = 5;
const NOTABLE = 2; // the load level from which something is refused
const STAGES = ['endpoint', 'queue', 'stt', 'understand', 'first_token', 'tool', 'first_audio', 'total'];
const FIGURES = ['sessions', 'turns', 'slowest_turn', 'load_level', 'cpu', 'memory', 'queued', 'refused'];
const LEAST = {sessions: 1, turns: 1, slowest_turn: 100, load_level: 5, cpu: 100, memory: 1, queued: 1, refused: 1};
const BARS = new Set(['turns', 'slowest_turn', 'refused']);
const SAME_NAMES = {memory: 'memory_share', cpu: 'cpu_share'};

const signalName = (name, texts) => texts.figures[SAME_NAMES[name] ?? name] ?? name;

function formatOf(unit, texts) {
  if (unit === 'bytes') return texts.bytes;
  if (unit === 'ms') return texts.ms;
  if (unit === 's') return (value) => (value < 1 ? texts.ms(value * 1_000) : texts.duration(value));
  if (unit === '%') return (value) => `${texts.number(value)} %`;
  if (unit.startsWith('share')) return (value) => `${texts.number(100 * value)} %`;
  return texts.number;
}

function Attention({rows, missing, status, texts}) {
  const found = attention(rows, missing);
  const {load, load_level: level} = status;
  if (level >= NOTABLE) found.unshift({id: texts.level(level), health: 'degraded', word: texts.levels[load.name], why: load.driver && texts.drivenBy(signalName(load.driver, texts))});
  if (found.length === 0) return html`<p class="good" id="well"><${Badge} health="well">${texts.allWell}<//></p>`;
  return html`<section class="trouble" aria-labelledby="attention"><h2 id="attention">${texts.attention}</h2>
    <ul>${found.map(({id, health, word, why}) => html`<li key=${id}><${Badge} health=${health}>${word ?? texts.health[health]}<//> <b>${id}</b> ${why}</li>`)}</ul></section>`;
}

function Tiles({status, history, texts}) {
  const last = (name) => history?.figures[name]?.values.findLast((value) => value !== null);
  const [cpu, memory, total] = [last('cpu'), last('memory'), status.stages.total];
  const tiles = {
    sessions: texts.number(status.sessions),
    latency: total === undefined ? '–' : texts.ms(total.p50_ms),
    slow: total === undefined ? '–' : texts.ms(total.p95_ms),
    cpu: cpu === undefined ? '–' : `${texts.number(cpu)} %`,
    memory: memory === undefined ? '–' : texts.bytes(memory),
    uptime: texts.duration(status.uptime_s),
  };
  return html`<dl class="tiles">${Object.entries(tiles).map(([name, value]) => html`<div key=${name}><dt>${texts.tiles[name]}</dt><dd data-tile=${name}>${value}</dd></div>`)}</dl>`;
}

function Past({server, texts}) {
  const {history, range, status} = server;
  const figure = (name) => history?.figures[name];
  return html`<section aria-labelledby="past-title">
    <div class="tools past"><h2 id="past-title">${texts.past}</h2>
      <div class="choice" role="group" aria-labelledby="past-title">${RANGES.map((one) => html`<button key=${one} type="button" class="small" data-range=${one} aria-pressed=${one === range}
        onClick=${() => server.chooseRange(one)}>${texts.ranges[one]}</button>`)}</div></div>
    ${history === undefined ? html`<p class="empty">${texts.loading}</p>` : html`<div class="charts large">
      ${FIGURES.filter(figure).map((name) => html`<${Chart} key=${name} name=${name} title=${texts.figures[name]} values=${figure(name).values} least=${LEAST[name]} isBars=${BARS.has(name)} stepS=${history.step_s}
        level=${name === 'load_level' ? status.load_level : 0} format=${formatOf(figure(name).unit, texts)} texts=${texts} />`)}</div>`}
  </section>`;
}

function Signals({server, texts}) {
  const {history, status} = server;
  const all = signals(status.load);
  const valuesOf = (name) => history?.figures[`signal.${name}`]?.values;
  return html`<section aria-labelledby="signals-title"><h2 id="signals-title">${texts.signalsTitle}</h2>
    <p class="quiet">${all.length === 0 ? texts.signalsOff : texts.signalsHelp}</p>
    <div class="charts">${all.filter(({name, value}) => value !== null && valuesOf(name)).map(({name, unit, marks, level}) => html`<${Chart} key=${name} name=${`signal.${name}`}
      title=${signalName(name, texts)} values=${valuesOf(name)} marks=${marks} level=${level} stepS=${history.step_s} format=${formatOf(unit, texts)} texts=${texts} />`)}</div>
  </section>`;
}

function Workers({workers, busy, texts}) {
  let left = busy;
  return html`<span class="workers">${workers.map((worker, at) => {
    const isBusy = worker.state === 'busy' || (worker.state === 'ready' && worker.role === 'active' && left-- > 0);
    const look = worker.state === 'down' || worker.state === 'dead' ? 'down' : isBusy ? 'busy' : worker.state === 'ready' ? 'free' : 'changing';
    const words = texts.worker(worker.state, worker.role, worker.jobs, worker.last_exit);
    return html`<i key=${at} class=${look} role="img" aria-label=${words} title=${words} />`;
  })}</span>`;
}

function Pools({rows, texts}) {
  const found = pools(rows);
  const columns = [
    {id: 'pool', title: texts.columns.pool, by: ({id}) => id, cell: ({id}) => id},
    {id: 'workers', title: texts.pool.workers, by: ({ready}) => ready, cell: ({ready, size, spares, workers, busy}) => html`<${Workers} workers=${workers} busy=${busy} texts=${texts} /> <span>${texts.of(ready, size + spares)}</span>`},
    {id: 'busy', title: texts.pool.busy, isNumber: true, by: ({busy}) => busy, cell: ({busy}) => html`<${Figure} value=${busy}>${texts.number(busy)}<//>`},
    {id: 'free', title: texts.pool.free, isNumber: true, isWide: true, by: ({ready, busy}) => ready - busy, cell: ({ready, busy}) => texts.number(ready - busy)},
    {id: 'waiting', title: texts.pool.waiting, isNumber: true, isWide: true, by: ({waiting}) => waiting, cell: ({waiting}) => html`<${Figure} value=${waiting}>${texts.number(waiting)}<//>`},
    {id: 'crashes', title: texts.pool.crashes, isNumber: true, by: ({crashes}) => crashes, cell: ({crashes}) => html`<span class=${crashes > 0 ? 'bad' : 'zero'}>${texts.number(crashes)}</span>`},
    {id: 'memory', title: texts.pool.memory, isNumber: true, isWide: true, by: ({bytes}) => bytes, cell: ({bytes}) => texts.bytes(bytes)},
  ];
  return html`<section aria-labelledby="pools-title"><h2 id="pools-title">${texts.poolsTitle}</h2>
    <${Table} label=${texts.poolsTitle} columns=${columns} rows=${found} keyOf=${({id}) => id} texts=${texts} rowOf=${({id}) => ({'data-pool': id})} /></section>`;
}

function StagesTable({stages, texts}) {
  const rows = STAGES.filter((stage) => stages[stage] !== undefined).map((stage) => ({stage, ...stages[stage]}));
  const columns = [
    {id: 'stage', title: texts.columns.stage, cell: ({stage}) => html`<i class=${`dot stage-${stage === 'first_audio' || stage === 'total' ? 'none' : stage}`} aria-hidden="true" /> ${texts.stages[stage]}`},
    {id: 'count', title: texts.columns.count, isNumber: true, cell: ({count}) => texts.number(count)},
    {id: 'p50', title: texts.columns.p50, isNumber: true, cell: ({p50_ms: ms}) => texts.ms(ms)},
    {id: 'p95', title: texts.columns.p95, isNumber: true, cell: ({p95_ms: ms}) => texts.ms(ms)},
  ];
  return html`<section aria-labelledby="stages-title"><h2 id="stages-title">${texts.stagesTitle}</h2>
    ${rows.length === 0 ? html`<p class="empty">${texts.noTurns}</p>` : html`<${Table} label=${texts.stagesTitle} columns=${columns} rows=${rows} keyOf=${({stage}) => stage} texts=${texts} />`}</section>`;
}

export function Overview({server, texts}) {
  const {status, tools, notices} = server;
  const rows = actorRows(status.tree);
  return html`
    <${Attention} rows=${rows} missing=${tools?.missing ?? []} status=${status} texts=${texts} />
    <${Tiles} status=${status} history=${server.history} texts=${texts} />
    <div class="two"><${Pools} rows=${rows} texts=${texts} />
      <section aria-labelledby="newest-title"><div class="tools"><h2 id="newest-title">${texts.views.notices}</h2><a href="#notices">${texts.all}</a></div>
        <${NoticeList} notices=${notices.slice(-SHOWN_NOTICES).reverse()} texts=${texts} /></section></div>
    <${Past} server=${server} texts=${texts} />
    <${Signals} server=${server} texts=${texts} />
    <${StagesTable} stages=${status.stages} texts=${texts} />`;
}
