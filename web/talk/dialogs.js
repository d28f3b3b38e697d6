/** The two dialogs: what can be said, and the settings. */

import {Dialog} from '../shared/dialog.js';
import {html, useState} from '../vendor/preact-htm.js';
import {asText} from './conversation.js';
import {TEXTS} from './texts.js';

const MAX_SHOWN = 100;
const PAGES = ['health/detailed', 'api/status', 'api/models', 'api/tools', 'api/conversations', 'metrics', 'openapi.json'];

/** Return the commands of the language whose sentences hold `search`. */
export function foundCommands(commands, language, search) {
  const wanted = search.trim().toLowerCase();
  const isWanted = (sentence) => sentence.toLowerCase().includes(wanted);
  return commands
    .filter((command) => command.language === language && command.samples.length > 0)
    .filter(({samples, intent}) => samples.some(isWanted) || isWanted(intent));
}

/** Return the language whose commands to show: the spoken one, else the page's, else the first there is. */
export function commandLanguage({languages}, spoken, page) {
  return [spoken?.slice(0, 2), page, 'en'].find((code) => languages.includes(code)) ?? languages[0];
}

export function Commands({talk, texts, onSay, onClose}) {
  const [search, setSearch] = useState('');
  const {commands, preferences} = talk;
  const language = commands ? commandLanguage(commands, preferences.language, texts.code) : undefined;
  const found = commands ? foundCommands(commands.commands, language, search) : [];
  return html`<${Dialog} title=${texts.commands} texts=${texts} onClose=${onClose}>
    ${commands === null && html`<p role="alert">${texts.commandsFailed}</p>`}
    ${commands && html`
      <label class="field">${texts.search}<input type="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <ul class="sentences" lang=${language}>${found.slice(0, MAX_SHOWN).map(({intent, samples}) => html`<li key=${intent + samples[0]}>
        <button type="button" onClick=${() => onSay(samples[0])}>${samples[0]}</button>
        ${samples.length > 1 && html`<p class="quiet">${samples.slice(1).join(' · ')}</p>`}
      </li>`)}</ul>
      ${found.length === 0 && html`<p>${texts.commandsEmpty}</p>`}
      ${found.length > MAX_SHOWN && html`<p>${texts.more(found.length - MAX_SHOWN)}</p>`}
      <p class="quiet">${texts.anything}</p>`}
  <//>`;
}

function save(talk, texts) {
  const url = URL.createObjectURL(new Blob([asText(talk.conversation, texts)], {type: 'text/plain'}));
  const link = Object.assign(document.createElement('a'), {href: url, download: 'sayso.txt'});
  link.click();
  URL.revokeObjectURL(url);
}

const nameOf = (code, texts) => {
  try {
    return new Intl.DisplayNames([texts.code], {type: 'language'}).of(code);
  } catch {
    return code; // no name for it in this browser
  }
};

function Choice({label, value, options, onChoose}) {
  return html`<label class="field">${label}
    <select value=${value ?? ''} onChange=${({target}) => onChoose(target.value === '' ? undefined : target.value)}>
      ${options.map(([key, name]) => html`<option key=${key} value=${key} selected=${key === (value ?? '')}>${name}</option>`)}
    </select>
  </label>`;
}

function Switch({label, isOn, onChoose}) {
  return html`<label class="switch"><input type="checkbox" checked=${isOn} onChange=${({target}) => onChoose(target.checked)} />${label}</label>`;
}

export function Settings({talk, texts, onClose}) {
  const {preferences, devices, commands, server} = talk;
  const choose = (name) => (value) => talk.choose({[name]: value});
  const languages = (commands?.languages ?? []).map((code) => [code, nameOf(code, texts)]);
  const microphones = devices.map(({deviceId, label}) => [deviceId, label || deviceId.slice(0, 8)]);
  return html`<${Dialog} title=${texts.settings} texts=${texts} onClose=${onClose}>
    <fieldset><legend>${texts.talkMode}</legend>
      ${[['hands_free', texts.handsFree], ['push_to_talk', texts.pushToTalk]].map(([mode, label]) => html`<label class="switch" key=${mode}>
        <input type="radio" name="mode" checked=${preferences.mode === mode} onChange=${() => talk.choose({mode})} />${label}</label>`)}
    </fieldset>
    <${Switch} label=${texts.speakAnswers} isOn=${preferences.speak} onChoose=${choose('speak')} />
    <${Switch} label=${texts.showDetails} isOn=${preferences.details} onChoose=${choose('details')} />
    ${microphones.length > 0 && html`<${Choice} label=${texts.microphone} value=${preferences.deviceId}
      options=${[['', texts.usualMicrophone], ...microphones]} onChoose=${choose('deviceId')} />`}
    <${Choice} label=${texts.language} value=${preferences.language} options=${[['', texts.usualLanguage], ...languages]} onChoose=${choose('language')} />
    <${Choice} label=${texts.pageLanguage} value=${preferences.pageLanguage ?? texts.code}
      options=${Object.values(TEXTS).map(({code, name}) => [code, name])} onChoose=${choose('pageLanguage')} />
    <p><button type="button" disabled=${talk.conversation.turns.length === 0} onClick=${() => save(talk, texts)}>${texts.saveConversation}</button></p>
    <p class="quiet">${texts.keys}</p>
    <details><summary>${texts.forDevelopers}</summary>
      <ul class="links">${PAGES.map((page) => html`<li key=${page}><a href=${page}>/${page}</a></li>`)}</ul>
    </details>
    ${server !== undefined && html`<p class="quiet">${texts.version(server.version)}</p>`}
  <//>`;
}
