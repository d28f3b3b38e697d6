/** One turn of the conversation: what was said, the tools that were called, the answer, and how long it took. */

import {html} from '../vendor/preact-htm.js';
import {stagesOf} from './conversation.js';

const MAX_TEXT = 2_000; // characters of a result that are shown

const shortened = (text) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** Return a call's arguments as `room: kitchen, level: 3`. */
export function argumentsText(given) {
  return Object.entries(given).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
}

function Progress({progress: {done, total, message}}) {
  return html`<span class="progress">
    ${total === undefined ? `${done}` : html`<progress max=${total} value=${done} aria-label=${message ?? `${done} / ${total}`} />`} ${message}
  </span>`;
}

function ToolCall({tool: {server, tool, given, progress, result}, reply, texts}) {
  const outcome = result === undefined ? texts.calling : result.ok ? texts.took(Math.round(result.durationMs)) : texts.failed;
  return html`<div class=${`tool ${result?.ok === false ? 'bad' : ''}`}>
    <p class="call"><span class="name">${tool}</span><span class="quiet"> ${server} · ${outcome}</span></p>
    ${Object.keys(given).length > 0 && html`<p class="given">${shortened(argumentsText(given))}</p>`}
    ${progress !== undefined && result === undefined && html`<${Progress} progress=${progress} />`}
    ${result !== undefined && result.text !== '' && result.text !== reply && html`<p class="result">${shortened(result.text)}</p>`}
  </div>`;
}

function Stages({latency, texts}) {
  const {stages, totalMs} = stagesOf(latency);
  if (totalMs <= 0) return null;
  return html`<details class="stages">
    <summary>
      <span class="bar" aria-hidden="true">${stages.map(({stage, ms}) => html`<i class=${`stage-${stage}`} style=${{flexGrow: ms}} />`)}</span>
      <span>${texts.firstSound(Math.round(totalMs))}</span>
    </summary>
    <ul>${stages.map(({stage, ms}) => html`<li><i class=${`stage-${stage}`} aria-hidden="true" />${texts.stages[stage]} ${texts.took(Math.round(ms))}</li>`)}</ul>
  </details>`;
}

export function Turn({turn, texts, isDetailed}) {
  const {said, isFinal, language, isHearing, tools, reply, truncated, outcome, latency, error} = turn;
  const remark = error ?? texts.outcomes[outcome] ?? '';
  return html`<li class="turn">
    ${(said !== '' || isHearing) && html`<p class=${isFinal ? 'said' : 'said partial'} lang=${language}><span class="hidden">${texts.you}: </span>${said || '…'}</p>`}
    ${isDetailed && tools.map((tool) => html`<${ToolCall} key=${tool.callId} tool=${tool} reply=${reply} texts=${texts} />`)}
    ${reply !== '' && html`<p class="answer"><span class="hidden">${texts.answer}: </span>${reply}${truncated && html` <span class="quiet">(${texts.cut})</span>`}</p>`}
    ${remark !== '' && !(outcome === 'interrupted' && truncated) && html`<p class="remark">${remark}</p>`}
    ${isDetailed && latency !== undefined && html`<${Stages} latency=${latency} texts=${texts} />`}
  </li>`;
}
