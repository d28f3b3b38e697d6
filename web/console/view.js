/** The console: how the server is on top, one of six views below, and what stands in the way between them. */

import {Dialog} from '../shared/dialog.js';
import {gearIcon} from '../shared/icons.js';
import {html, useEffect, useState} from '../vendor/preact-htm.js';
import {ActorsView} from './actors.js';
import {ToolsView} from './models.js';
import {inWords, NoticesView} from './notices.js';
import {Overview} from './overview.js';
import {Question} from './parts.js';
import {VIEWS} from './server.js';
import {SessionsView} from './sessions.js';
import {TEXTS} from './texts.js';
import {TurnsView} from './turns.js';

const VIEW = {overview: Overview, actors: ActorsView, sessions: SessionsView, turns: TurnsView, tools: ToolsView, notices: NoticesView};
const TOLD_MS = 6_000;
const DRAIN_S = 60;
const secondsUntil = (time) => Math.max(0, Math.ceil((time - Date.now()) / 1_000));

// --- what stands in the way ----------------------------------------------------------------------

function KeyForm({server, texts}) {
  const [title, help] = texts.troubles[server.trouble];
  const [key, setKey] = useState('');
  const use = (event) => {
    event.preventDefault();
    if (key.trim() !== '') void server.useKey(key.trim());
  };
  return html`<form class="trouble" aria-labelledby="key-title" onSubmit=${use}>
    <div role="alert"><h2 id="key-title">${title}</h2></div>
    <p>${help}</p>
    <label class="field">${texts.key}<input type="password" id="key" value=${key} autocomplete="current-password" onInput=${({target}) => setKey(target.value)} /></label>
    ${server.loginFault !== undefined && html`<p role="alert"><b>${texts.loginFaults[server.loginFault] ?? texts.loginFaults.other}</b></p>`}
    <p class="acts"><button>${texts.useKey}</button></p>
  </form>`;
}

function Trouble({server, texts}) {
  const {trouble, retryAt} = server;
  if (trouble === undefined) return null;
  if (trouble === 'key' || trouble === 'scope') return html`<${KeyForm} server=${server} texts=${texts} />`;
  const [title, help] = texts.troubles[trouble];
  return html`<section class="trouble" role="alert" data-trouble=${trouble}>
    <h2>${title}</h2><p>${help}</p>
    <p class="acts">${retryAt !== undefined && html`<span aria-live="off">${texts.nextTry(secondsUntil(retryAt))}</span>`}
      <button type="button" onClick=${() => server.tryNow()}>${texts.tryNow}</button></p>
  </section>`;
}

function Draining({status, texts}) {
  const {phase, reason, deadline_in_s: seconds} = status.drain;
  return phase === 'serving' ? null : html`<p class="trouble" role="status" id="draining">${texts.draining(reason, Math.ceil(seconds))}</p>`;
}

/** Say what came of an order, for a while. */
function Told({server}) {
  const {told} = server;
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    setShown(told !== undefined);
    const timer = setTimeout(() => setShown(false), TOLD_MS);
    return () => clearTimeout(timer);
  }, [told]);
  return html`<div class="told" role="status">${isShown && told !== undefined && html`<p class=${told.isBad ? 'bad' : ''}>${told.words}</p>`}</div>`;
}

// --- the top -------------------------------------------------------------------------------------

function State({server, texts}) {
  const isDraining = server.phase === 'live' && server.status?.drain.phase !== 'serving';
  const phase = isDraining ? 'draining' : server.phase;
  return html`<p id="state" class=${`state ${phase}`} data-state=${phase}><i aria-hidden="true" />${texts.phases[phase]}</p>`;
}

function Level({status, texts}) {
  const {load, load_level: level} = status;
  const name = texts.levels[load.name] ?? texts.levels.normal;
  const driver = load.driver && html` <span class="driver">${texts.drivenBy(texts.figures[load.driver] ?? load.driver)}</span>`;
  return html`<p id="level" class=${`level level-${level}`} data-level=${level}><span>${texts.level(level)}</span> <b>${name}</b>${driver}</p>`;
}

function SettingsDialog({server, texts, onClose}) {
  const {access, preferences} = server;
  return html`<${Dialog} title=${texts.settings} texts=${texts} onClose=${onClose}>
    <label class="field">${texts.pageLanguage}<select value=${texts.code} onChange=${({target}) => server.choose({pageLanguage: target.value})}>
      ${Object.values(TEXTS).map(({code, name}) => html`<option key=${code} value=${code} selected=${code === texts.code}>${name}</option>`)}</select></label>
    <p class="quiet">${access?.scopes ? texts.youAre(access.user, access.scopes.join(', ')) : texts.withoutKey}</p>
    ${preferences.user !== undefined && html`<p><button type="button" onClick=${() => void server.logOut()}>${texts.logOut}</button></p>`}
    <p><a href="./">${texts.talkPage}</a></p>
    ${server.status && html`<p class="quiet">sayso ${server.status.version} · ${server.status.listening.join(', ')}</p>`}
  <//>`;
}

function DrainQuestion({server, texts, onClose}) {
  const order = (form) => server.order('api/drain', {deadline_s: Number(form.get('seconds') ?? DRAIN_S)}, texts.drained);
  return html`<${Question} server=${server} texts=${texts} title=${texts.drainTitle} help=${texts.drainHelp} act=${texts.drainNow} order=${order} onClose=${onClose}>
    <label class="field">${texts.drainSeconds}<input type="number" name="seconds" min="0" max="3600" step="1" required value=${DRAIN_S} /></label>
  <//>`;
}

function Top({server, texts, onOpen}) {
  const {status} = server;
  return html`<header class="top">
    <h1>sayso <span>${texts.title}</span></h1>
    <${State} server=${server} texts=${texts} />
    ${status && html`<${Level} status=${status} texts=${texts} />`}
    <span class="space" />
    ${status && html`<button type="button" id="drain" class="small" disabled=${status.drain.phase !== 'serving'} onClick=${() => onOpen('drain')}>${texts.drain}</button>`}
    <button type="button" class="plain" aria-label=${texts.settings} onClick=${() => onOpen('settings')}>${gearIcon()}</button>
  </header>
  <nav aria-label=${texts.title}><ul>${VIEWS.map((view) => html`<li key=${view}><a href=${`#${view}`} aria-current=${view === server.place.view ? 'page' : undefined}>${texts.views[view]}</a></li>`)}</ul></nav>`;
}

/** The newest notice, said once to screen readers. */
function Spoken({notices, texts}) {
  const last = notices.at(-1);
  return html`<p class="hidden" aria-live="polite">${last !== undefined && last.kind !== 'started' ? inWords(last, texts) : ''}</p>`;
}

export function App({server, texts}) {
  const [opened, setOpened] = useState();
  const close = () => setOpened(undefined);
  const {status, place} = server;
  return html`
    <${Top} server=${server} texts=${texts} onOpen=${setOpened} />
    <main class=${server.phase === 'live' ? '' : 'old'}>
      <${Trouble} server=${server} texts=${texts} />
      ${status !== undefined && html`<${Draining} status=${status} texts=${texts} />
        <${VIEW[place.view]} key=${place.view + place.id} server=${server} texts=${texts} />`}
      ${status === undefined && server.trouble === undefined && html`<p class="empty">${texts.loading}</p>`}
      <${Spoken} notices=${server.notices} texts=${texts} />
    </main>
    <${Told} server=${server} />
    ${opened === 'drain' && html`<${DrainQuestion} server=${server} texts=${texts} onClose=${close} />`}
    ${opened === 'settings' && html`<${SettingsDialog} server=${server} texts=${texts} onClose=${close} />`}`;
}
