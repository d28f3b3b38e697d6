/** The dialogs: what can be said, the settings, and the events. They are loaded when one is opened. */

import {Dialog} from '../shared/dialog.js';
import {html, useState} from '../vendor/preact-htm.js';
import {asText} from './conversation.js';
import {commandLanguage, LANGUAGES} from './texts.js';

export {Events} from './events.js';

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

export function Settings({talk, texts, onClose, onEvents}) {
  const {preferences, devices, commands, server, voices, models, wakeWords} = talk;
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
    ${voices.length > 1 && html`<${Choice} label=${texts.voice} value=${preferences.voice}
      options=${[['', texts.usualVoice], ...voices.map(({id, name}) => [id, name])]} onChoose=${choose('voice')} />`}
    ${models.length > 1 && html`<${Choice} label=${texts.model} value=${preferences.model}
      options=${[['', texts.usualModel(models[0])], ...models.slice(1).map((name) => [name, name])]} onChoose=${choose('model')} />`}
    ${wakeWords.length > 0 && html`<${Choice} label=${texts.wakeWord} value=${talk.wake}
      options=${[['', texts.noWakeWord], ...wakeWords.map((word) => [word, word])]} onChoose=${(word) => talk.choose({wake: word ?? ''})} />`}
    <${Choice} label=${texts.pageLanguage} value=${preferences.pageLanguage ?? texts.code}
      options=${Object.entries(LANGUAGES)} onChoose=${choose('pageLanguage')} />
    <p><button type="button" disabled=${talk.conversation.turns.length === 0} onClick=${() => save(talk, texts)}>${texts.saveConversation}</button></p>
    ${preferences.user !== undefined && html`<p class="acts"><span class="quiet">${texts.youAre(preferences.user)}</span>
      <button type="button" onClick=${() => { onClose(); void talk.logOut(); }}>${texts.logOut}</button></p>`}
    <p class="quiet">${texts.keys}</p>
    <details><summary>${texts.forDevelopers}</summary>
      <p><button type="button" onClick=${onEvents}>${texts.events}</button></p>
      <ul class="links">${PAGES.map((page) => html`<li key=${page}><a href=${page}>/${page}</a></li>`)}</ul>
    </details>
    ${server !== undefined && html`<p class="quiet">${texts.version(server.version)}</p>`}
  <//>`;
}
