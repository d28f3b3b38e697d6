/** The events of the connection as they are, for developers. Its sentences are here, so that they are loaded with it only. */

import {Dialog} from '../shared/dialog.js';
import {html, useEffect, useState} from '../vendor/preact-htm.js';

const SECRETS = new Set(['token', 'resume_token']); // who has one has the session

const EN = {
  title: 'Events',
  help: 'The last 200 of this page, the newest first: ← came from the server, → was sent. Sound and tokens are left out.',
  filter: 'Filter',
  copy: 'Copy as JSON',
  copied: 'Copied.',
  notCopied: 'This browser does not let the page copy.',
  none: 'There is none.',
};
const DE = {
  title: 'Ereignisse',
  help: 'Die letzten 200 dieser Seite, das neueste oben: ← kam vom Server, → wurde gesendet. Ton und Token sind weggelassen.',
  filter: 'Filtern',
  copy: 'Als JSON kopieren',
  copied: 'Kopiert.',
  notCopied: 'Dieser Browser lässt die Seite nicht kopieren.',
  none: 'Es gibt keines.',
};
export const EVENT_TEXTS = {en: EN, de: DE};

const withoutSecrets = (name, value) => (SECRETS.has(name) ? '…' : value);

/** Return the frames whose type or data hold `search`, newest first. */
export function foundFrames(frames, search) {
  const wanted = search.trim().toLowerCase();
  const isWanted = (frame) => `${frame.type} ${JSON.stringify(frame.data, withoutSecrets)}`.toLowerCase().includes(wanted);
  return (wanted === '' ? [...frames] : frames.filter(isWanted)).reverse();
}

/** Return a frame's data as indented JSON. */
export const dataText = ({data}) => JSON.stringify(data, withoutSecrets, 2);

/** Return frames as a JSON list, oldest first: `{at, from, type, seq, data}`, the time in UTC. */
export function asJson(frames) {
  const shown = frames.map(({at, isSent, type, seq, data}) => ({at: new Date(at).toISOString(), from: isSent ? 'page' : 'server', type, seq, data}));
  return JSON.stringify(shown, withoutSecrets, 2);
}

function timeOf(at, code) {
  return new Intl.DateTimeFormat(code, {hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23'}).format(at);
}

function Frame({frame, code}) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="frame" onToggle=${({target}) => setOpen(target.open)}>
    <summary><span class="quiet">${timeOf(frame.at, code)}</span> ${frame.isSent ? '→' : '←'} <b>${frame.type}</b></summary>
    ${isOpen && html`<pre>${dataText(frame)}</pre>`}
  </details>`;
}

export function Events({log, texts, onClose}) {
  const [search, setSearch] = useState('');
  const [told, setTold] = useState('');
  const [frames, setFrames] = useState(log.frames);
  const own = EVENT_TEXTS[texts.code];
  useEffect(() => {
    log.onChange = () => setFrames(log.frames);
    return () => {
      log.onChange = () => undefined;
    };
  }, []);
  const found = foundFrames(frames, search);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(asJson(found.toReversed()));
      setTold(own.copied);
    } catch {
      setTold(own.notCopied); // no permission, or plain http
    }
  };
  return html`<${Dialog} title=${own.title} texts=${texts} onClose=${onClose}>
    <p class="quiet">${own.help}</p>
    <label class="field">${own.filter}<input type="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
    <p class="acts"><button type="button" onClick=${() => void copy()}>${own.copy}</button><span role="status">${told}</span></p>
    ${found.length === 0 && html`<p>${own.none}</p>`}
    <div class="frames">${found.map((frame) => html`<${Frame} key=${frame.number} frame=${frame} code=${texts.code} />`)}</div>
  <//>`;
}
