/** Turns as a waterfall: all on one scale of time, each with its stages, its words and its tool calls. */

import {html, useState} from '../vendor/preact-htm.js';
import {stagesOf} from '../talk/conversation.js';
import {CopyButton, Pager, pageOf} from './parts.js';
import {matching} from './rows.js';

const TURNS_A_PAGE = 25;
const OUTCOMES = ['done', 'interrupted', 'no_speech', 'refused', 'failed'];

/** Return how long a turn took in all, in ms. */
export const lengthOf = ({latency_ms: latency}) => Math.max(stagesOf(latency).totalMs, latency.total ?? 0);

/** Return the scale's end: the longest of the turns that are shown, rounded up to a round number of ms. */
export function scaleOf(turns) {
  const longest = Math.max(20, ...turns.map(lengthOf));
  const power = 10 ** Math.floor(Math.log10(longest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= longest);
}

/** Return the turns of an outcome that hold some words, newest first. */
export function foundTurns(turns, outcome, search) {
  const wanted = turns.filter((turn) => outcome === '' || turn.outcome === outcome);
  const textsOf = ({heard, replied, user, session_id: id, calls}) => [heard, replied, user, id, ...calls.map(({tool}) => tool)];
  return matching(wanted, search, textsOf).reverse();
}

const argumentsOf = (given) => Object.entries(given ?? {}).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');

function Turn({turn, scaleMs, texts, isAlone}) {
  const {stages} = stagesOf(turn.latency_ms);
  const lengthMs = lengthOf(turn);
  const words = stages.map(({stage, ms}) => `${texts.stages[stage]} ${texts.ms(ms)}`).join(', ');
  return html`<li class=${`turn ${turn.outcome}`} data-turn=${turn.turn_id}>
    <p class="head"><time>${texts.time(turn.at)}</time>
      ${!isAlone && html`<a href=${`#sessions/${turn.session_id}`}>${turn.user}</a>`}
      <span class=${`outcome ${turn.outcome}`}>${texts.outcomes[turn.outcome] ?? turn.outcome}</span></p>
    ${turn.heard && html`<p class="said">“${turn.heard}”</p>`}
    ${turn.replied && html`<p class="answer">${turn.replied}</p>`}
    ${turn.calls.length > 0 && html`<ul class="calls">${turn.calls.map((call, at) => html`<li key=${at} class=${call.ok ? '' : 'bad'}>
      <code>${call.tool}</code> <span class="quiet">${call.server} · ${texts.ms(call.duration_ms)}${argumentsOf(call.arguments) && ` · ${argumentsOf(call.arguments)}`}</span></li>`)}</ul>`}
    ${lengthMs > 0 && html`<p class="fall"><span class="lane" role="img" aria-label=${words}>${stages.map(({stage, ms}) => html`<i key=${stage} class=${`stage-${stage}`}
      title=${`${texts.stages[stage]} ${texts.ms(ms)}`} style=${{width: `${(100 * ms) / scaleMs}%`}} />`)}</span><b>${texts.ms(lengthMs)}</b></p>`}
  </li>`;
}

export function Waterfall({turns, texts, isAlone = false}) {
  const [page, setPage] = useState(0);
  const {at, shown} = pageOf(turns, page, TURNS_A_PAGE);
  const scaleMs = scaleOf(shown);
  return html`<ul class="legend" aria-hidden="true">${['endpoint', 'queue', 'stt', 'understand', 'first_token', 'tool', 'voice'].map((stage) => html`<li key=${stage}><i class=${`stage-${stage}`} />${texts.stages[stage]}</li>`)}
      <li class="scale">0 – ${texts.ms(scaleMs)}</li></ul>
    <ol class="turns">${shown.map((turn) => html`<${Turn} key=${turn.number} turn=${turn} scaleMs=${scaleMs} texts=${texts} isAlone=${isAlone} />`)}</ol>
    <${Pager} at=${at} count=${turns.length} size=${TURNS_A_PAGE} onGo=${setPage} texts=${texts} />`;
}

export function TurnsView({server, texts}) {
  const [outcome, setOutcome] = useState('');
  const [search, setSearch] = useState('');
  const found = foundTurns(server.turns, outcome, search);
  const isHidden = server.turns.some(({heard}) => heard === undefined);
  return html`<section aria-labelledby="turns-title"><h2 id="turns-title">${texts.views.turns}</h2>
    <div class="tools">
      <label class="field">${texts.filter}<input type="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <label class="field">${texts.outcome}<select value=${outcome} onChange=${({target}) => setOutcome(target.value)}>
        <option value="">${texts.all}</option>${OUTCOMES.map((one) => html`<option key=${one} value=${one}>${texts.outcomes[one]}</option>`)}</select></label>
      <${CopyButton} server=${server} texts=${texts} value=${() => found} />
    </div>
    ${isHidden && html`<p class="quiet">${texts.hiddenWords}</p>`}
    ${found.length === 0 ? html`<p class="empty">${server.turns.length === 0 ? texts.noTurns : texts.nothingFound}</p>` : html`<${Waterfall} turns=${found} texts=${texts} />`}
  </section>`;
}
