/** The page: the conversation in the middle, what happens now and the controls below it. */

import {gearIcon, microphoneIcon, questionIcon, sendIcon, stopIcon} from '../shared/icons.js';
import {html, useEffect, useLayoutEffect, useRef, useState} from '../vendor/preact-htm.js';
import {commandLanguage} from './texts.js';
import {argumentsText, Turn} from './turn.js';

const EXAMPLES = 4;
const BUILT_IN = 'sayso-tools';
const USUAL_TOOLS = ['get_time', 'set_timer', 'calculate', 'get_date'];
const NEAR_PX = 160; // so close to the end of the page, the user reads the newest turn
const secondsUntil = (time) => Math.max(0, Math.ceil((time - Date.now()) / 1_000));

// --- trouble and questions -----------------------------------------------------------------------

function KeyForm({talk, texts}) {
  const [title, help] = texts.troubles.key;
  const [key, setKey] = useState('');
  const fault = talk.loginFault;
  const use = (event) => {
    event.preventDefault();
    if (key.trim() !== '') void talk.useKey(key.trim());
  };
  return html`<form class="trouble" aria-labelledby="key-title" onSubmit=${use}>
    <div role="alert"><h2 id="key-title">${title}</h2></div>
    <p>${help}</p>
    <label class="field">${texts.key}<input type="password" id="key" value=${key} autocomplete="current-password"
      onInput=${({target}) => setKey(target.value)} /></label>
    ${fault !== undefined && html`<p class="fault" role="alert">${texts.loginFaults[fault] ?? texts.loginFaults.other}</p>`}
    <p class="acts"><button>${texts.useKey}</button></p>
  </form>`;
}

function Trouble({talk, texts}) {
  const {trouble} = talk;
  if (trouble === undefined) return null;
  const [title, help] = texts.troubles[trouble.kind];
  if (trouble.kind === 'key') return html`<${KeyForm} talk=${talk} texts=${texts} />`;
  const act = trouble.action === 'reload' ? () => location.reload() : () => talk.connect();
  return html`<section class="trouble" role="alert">
    <h2>${title}</h2>
    <p>${help}${trouble.reason && html` <span class="quiet">(${trouble.reason})</span>`}</p>
    ${(trouble.retryAt !== undefined || trouble.action !== undefined) && html`<p class="acts">
      ${trouble.retryAt !== undefined && html`<span aria-live="off">${texts.nextTry(secondsUntil(trouble.retryAt))}</span>`}
      ${trouble.action !== undefined && html`<button type="button" onClick=${act}>${texts[trouble.action]}</button>`}
    </p>`}
  </section>`;
}

function Question({talk, texts}) {
  const {asking} = talk;
  if (asking === undefined) return null;
  const {say, server, tool, given, startedAt, expiresAt} = asking;
  const left = Math.max(0, Math.min(1, (expiresAt - Date.now()) / (expiresAt - startedAt)));
  return html`<section class="question" role="group" aria-labelledby="question">
    <p id="question" role="alert">${say}</p>
    <p class="quiet">${server} · ${tool}${Object.keys(given).length > 0 && ` · ${argumentsText(given)}`}</p>
    <div class="acts">
      <button type="button" class="yes" onClick=${() => talk.confirm(true)}>${texts.yes}</button>
      <button type="button" onClick=${() => talk.confirm(false)}>${texts.no}</button>
      <span class="quiet countdown" aria-live="off">${texts.secondsLeft(secondsUntil(expiresAt))}</span>
    </div>
    <span class="left" aria-hidden="true"><i style=${{width: `${100 * left}%`}} /></span>
  </section>`;
}

/** What may be answered, as buttons; the words of each are sent as if they were typed. */
function Choices({talk}) {
  const {question} = talk;
  if (question === undefined) return null;
  return html`<div class="choices" role="group" aria-label=${question.text}>
    ${question.choices.map((title) => html`<button type="button" key=${title} onClick=${() => talk.type(title)}>${title}</button>`)}
  </div>`;
}

function noticeText({notice, degraded}, texts) {
  const named = (what) => texts.parts[what] ?? what.replace('tools.', '');
  const [lost] = Object.entries(degraded);
  if (notice === undefined) return lost === undefined ? '' : texts.degraded(named(lost[0]), lost[1]);
  const byKind = {
    recovered: notice.kind === 'recovered' && texts.recovered(named(notice.reason)),
    no_speech: texts.noSpeech[notice.reason], overrun: texts.overrun, resumed: texts.resumed, not_sent: texts.notSent, error: notice.reason,
  };
  return byKind[notice.kind] ?? '';
}

// --- the conversation ----------------------------------------------------------------------------

/** Return some sentences to begin with: the user's own commands first, then some that work everywhere. */
export function exampleSentences(commands, language) {
  const usable = commands.filter((one) => one.language === language && one.samples.length > 0 && !one.samples[0].includes('…'));
  const own = usable.filter(({server}) => server !== BUILT_IN);
  const usual = USUAL_TOOLS.map((tool) => usable.find((one) => one.tool === tool)).filter((one) => one !== undefined);
  const sentences = [...own.slice(0, EXAMPLES - 2), ...usual, ...own, ...usable].map(({samples}) => samples[0]);
  return [...new Set(sentences)].slice(0, EXAMPLES);
}

function Welcome({talk, texts}) {
  const {commands} = talk;
  const language = commands ? commandLanguage(commands, talk.preferences.language, texts.code) : undefined;
  const examples = exampleSentences(commands?.commands ?? [], language);
  return html`<div class="welcome">
    <p class="large">${texts.welcome}</p>
    ${examples.length > 0 && html`<p class="quiet">${texts.examples}</p>
      <ul lang=${language}>${examples.map((sentence) => html`<li key=${sentence}>
        <button type="button" class="example" onClick=${() => talk.type(sentence)}>${sentence}</button></li>`)}</ul>`}
  </div>`;
}

/** Words for screen readers: what was heard and answered last, said once each. */
function Spoken({turns, texts}) {
  const last = turns.at(-1);
  const heard = last?.isFinal && last.said !== '' ? `${texts.you}: ${last.said}` : '';
  const isWhole = last?.reply && (last.outcome !== undefined || last.isSpeaking);
  return html`<div class="hidden" aria-live="polite">
    <p>${heard}</p><p>${isWhole ? `${texts.answer}: ${last.reply}` : ''}</p>
  </div>`;
}

function Conversation({talk, texts}) {
  const {turns, typed} = talk.conversation;
  const wasAtEnd = useRef(true);
  const last = turns.at(-1);
  useEffect(() => {
    const note = () => {
      wasAtEnd.current = innerHeight + scrollY >= document.documentElement.scrollHeight - NEAR_PX;
    };
    addEventListener('scroll', note, {passive: true});
    return () => removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    if (wasAtEnd.current) scrollTo(0, document.documentElement.scrollHeight);
  }, [turns.length, typed.length, last?.said, last?.reply, last?.tools, last?.latency, last?.question]);
  if (turns.length + typed.length === 0) return html`<${Welcome} talk=${talk} texts=${texts} />`;
  return html`<ol class="turns" aria-label=${texts.conversation}>
    ${turns.map((turn) => html`<${Turn} key=${turn.id} turn=${turn} texts=${texts} isDetailed=${talk.preferences.details} />`)}
    ${typed.map((text, at) => html`<li class="turn" key=${`typed ${at}`}><p class="said">${text}</p></li>`)}
  </ol>`;
}

// --- the controls --------------------------------------------------------------------------------

function TalkButton({talk, texts}) {
  const {microphone, isPressed, preferences} = talk;
  if (preferences.mode === 'hands_free') {
    const isOn = microphone !== 'off';
    return html`<button type="button" id="talk" class=${`talk ${isOn ? 'on' : ''}`} aria-pressed=${isOn} onClick=${() => talk.toggleListening()}>
      ${isOn ? stopIcon() : microphoneIcon()} ${isOn ? texts.stopListening : texts.startListening}</button>`;
  }
  const press = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    void talk.press();
  };
  // a screen reader clicks without a pointer and without keys: press, and press again
  const click = ({detail}) => detail === 0 && (isPressed ? talk.release() : talk.press());
  return html`<button type="button" id="talk" class=${`talk hold ${isPressed ? 'on' : ''}`} aria-pressed=${isPressed}
    onPointerDown=${press} onPointerUp=${() => talk.release()} onPointerCancel=${() => talk.release()} onClick=${click}
    onContextMenu=${(event) => event.preventDefault()}>${microphoneIcon()} ${isPressed ? texts.release : texts.holdToTalk}</button>`;
}

function Typing({talk, texts}) {
  const [text, setText] = useState('');
  const send = (event) => {
    event.preventDefault();
    if (text.trim() !== '' && talk.type(text.trim())) setText('');
  };
  return html`<form class="typing" onSubmit=${send}>
    <input id="text" aria-label=${texts.typeHere} placeholder=${texts.typeHere} value=${text} maxlength="2000" autocomplete="off"
      enterkeyhint="send" onInput=${({target}) => setText(target.value)} />
    <button aria-label=${texts.send} disabled=${text.trim() === ''}>${sendIcon()}</button>
  </form>`;
}

function Wave({waveform}) {
  const canvas = useRef();
  useEffect(() => {
    waveform.attach(canvas.current);
    return () => waveform.attach(undefined);
  }, []);
  return html`<canvas ref=${canvas} class="wave" aria-hidden="true" />`;
}

function hintText({microphone, preferences: {mode}}, texts) {
  if (mode === 'push_to_talk') return texts.holdHint;
  return microphone === 'on' ? texts.freeHint : texts.pressHint;
}

const STOPPABLE = new Set(['thinking', 'acting', 'speaking']);

function Controls({talk, texts}) {
  const {activity, microphone, conversation} = talk;
  const notice = noticeText(conversation, texts);
  return html`<footer class="controls">
    <div class="now">
      <p id="state" class=${`state ${activity}`} data-state=${activity}><i aria-hidden="true" />${texts.states[activity]}</p>
      ${STOPPABLE.has(activity) && html`<button type="button" class="small" onClick=${() => talk.interrupt()}>${texts.stop}</button>`}
    </div>
    ${microphone === 'on' && html`<${Wave} waveform=${talk.waveform} />`}
    <p class="hint" role="status">${notice || hintText(talk, texts)}</p>
    <${TalkButton} talk=${talk} texts=${texts} />
    <${Typing} talk=${talk} texts=${texts} />
  </footer>`;
}

// --- the page ------------------------------------------------------------------------------------

export function App({talk, texts}) {
  const [opened, setOpened] = useState();
  const [dialogs, setDialogs] = useState();
  const open = async (name) => {
    try {
      setDialogs(await import('./dialogs.js'));
      setOpened(name);
    } catch {
      talk.connect(); // the server is not there, and the page says so when it has noticed
    }
  };
  const close = () => setOpened(undefined);
  const say = (sentence) => {
    close();
    talk.type(sentence);
  };
  const openCommands = () => {
    void talk.loadCommands();
    void open('commands');
  };
  return html`
    <header class="top">
      <h1>sayso</h1>
      <button type="button" class="plain" onClick=${openCommands}>${questionIcon()}<span>${texts.commands}</span></button>
      <button type="button" class="plain" aria-label=${texts.settings} onClick=${() => open('settings')}>${gearIcon()}</button>
    </header>
    <main>
      <${Conversation} talk=${talk} texts=${texts} />
      <${Trouble} talk=${talk} texts=${texts} />
      <${Question} talk=${talk} texts=${texts} />
      <${Choices} talk=${talk} />
      <${Spoken} turns=${talk.conversation.turns} texts=${texts} />
    </main>
    <${Controls} talk=${talk} texts=${texts} />
    ${opened === 'commands' && html`<${dialogs.Commands} talk=${talk} texts=${texts} onSay=${say} onClose=${close} />`}
    ${opened === 'settings' && html`<${dialogs.Settings} talk=${talk} texts=${texts} onClose=${close} onEvents=${() => open('events')} />`}
    ${opened === 'events' && html`<${dialogs.Events} log=${talk.frames} texts=${texts} onClose=${close} />`}`;
}
