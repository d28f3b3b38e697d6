/**
 * The page's conversation: the client, the microphone and the loudspeaker together, and one state for the view.
 *
 * Every change ends in `onChange`; the view never changes the state itself.
 */

import {Loudspeaker, Microphone, MicrophoneError, MICROPHONE_RATE_HZ, wakeWithPage} from '../client/browser.js';
import {IDLE, NORMAL, SaysoClient} from '../client/index.js';
import {exchanged, logIn, logOut} from '../shared/login.js';
import {loadPreferences, savePreferences} from '../shared/preferences.js';
import {afterEvent, afterTyping, askingTurn, doing, EMPTY, openQuestion} from './conversation.js';
import {FrameLog} from './frame-log.js';
import {refusalBy, troubleOf} from './trouble.js';
import {Waveform} from './waveform.js';

const file = (path) => new URL(`web/client/worklets/${path}`, document.baseURI);
const RESTING = new Set([IDLE, NORMAL]); // close codes after which the user may simply go on
const ABNORMAL = 1006;
const UNAVAILABLE = {unknown_model: 'model', unknown_wake_word: 'wake', bad_field: 'language'}; // what was chosen and is gone

/** Return the address of the WebSocket beside this page. */
function socketUrl() {
  const url = new URL('ws', document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  return url.href;
}

export class Talk {
  waveform = new Waveform();
  preferences = loadPreferences();
  conversation = EMPTY;
  frames = new FrameLog();
  /** off, opening or on. */
  microphone = 'off';
  microphoneProblem;
  devices = [];
  isPressed = false;
  isPlaying = false;
  /** What can be said, as the server lists it; undefined until it is loaded, null if that failed. */
  commands;
  /** What the server offers besides, the usual one first: [{id, name}], [name]. */
  voices = [];
  models = [];
  refusal;
  /** Why the last key was not taken: the status of the answer, 0 without one. */
  loginFault;
  #onChange;
  #client;
  #loudspeaker = new Loudspeaker(file('playback.js'));
  #opened;
  #pending; // typed while the connection rested
  #wasOpen = false;
  #lock;

  constructor(onChange) {
    this.#onChange = onChange;
    const {clientId, mode, language} = this.preferences;
    const audio = {format: 'pcm_s16le', sample_rate: MICROPHONE_RATE_HZ, channels: 1};
    const spoken = language === undefined ? {} : {language};
    const options = {client_id: clientId, capabilities: this.#capabilities(), audio, mode, interim: true, ...spoken};
    this.#client = new SaysoClient({url: socketUrl(), options});
    this.#listen();
  }

  async start() {
    wakeWithPage(this.#client);
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#listDevices());
    document.addEventListener('visibilitychange', () => this.#keepAwake());
    if (this.preferences.key !== undefined) this.choose(await exchanged(this.preferences));
    this.#client.connect();
    void this.loadCommands();
  }

  // --- what the view shows -----------------------------------------------------------------------

  get connection() {
    return this.#client.state;
  }

  get server() {
    return this.#client.accepted?.server;
  }

  get activity() {
    const {phase} = this.connection;
    if (phase === 'connecting' && !this.#wasOpen) return 'connecting';
    if (phase !== 'open') return 'offline';
    const found = doing(this.conversation, this.isPlaying);
    if (found !== 'idle') return found;
    if (this.microphone === 'opening') return 'opening';
    if (this.microphone !== 'on') return 'ready';
    if (this.isPressed) return 'listening';
    if (this.preferences.mode === 'push_to_talk') return 'ready';
    return this.conversation.isAsleep ? 'asleep' : 'listening';
  }

  get trouble() {
    const isAway = this.#wasOpen;
    return troubleOf({connection: this.connection, refusal: this.refusal, isAway, microphoneProblem: this.microphoneProblem});
  }

  get asking() {
    return askingTurn(this.conversation)?.confirm;
  }

  /** The question with choices that may be answered now. */
  get question() {
    return this.connection.phase === 'open' ? openQuestion(this.conversation, Date.now()) : undefined;
  }

  /** The wake words that may be chosen, and the one that is wanted: '' for none. */
  get wakeWords() {
    return this.#client.accepted?.wake_words ?? [];
  }

  get wake() {
    return this.preferences.wake ?? this.#client.accepted?.wake ?? '';
  }

  /** Whether a time on the page runs down. */
  get isCounting() {
    return this.asking !== undefined || this.question !== undefined || this.connection.phase === 'waiting';
  }

  // --- what the user does ------------------------------------------------------------------------

  /** Send typed words; return false if they could not be sent. */
  type(text) {
    const {phase, code} = this.connection;
    if (phase === 'closed' && RESTING.has(code)) {
      this.#pending = text;
      this.#client.connect();
      return true;
    }
    if (!this.#client.sendText(text)) return this.#notice({kind: 'not_sent'}, false);
    this.#set(afterTyping(this.conversation, text));
    return true;
  }

  confirm(approve) {
    const {callId} = this.asking ?? {};
    if (callId !== undefined) this.#client.confirm(callId, approve);
  }

  /** Stop the answer, and what it is worked out of. */
  interrupt() {
    this.#client.interrupt(this.isPlaying ? this.#loudspeaker.heardMs : undefined);
    this.#loudspeaker.flush();
  }

  /** Connect at once: after a loss, a takeover or a rest. */
  connect() {
    this.refusal = undefined;
    this.#client.connect();
  }

  /** Exchange a key that the user has entered for a cookie, and connect. */
  async useKey(key) {
    const {user, status} = await logIn(key);
    this.loginFault = status;
    if (user === undefined) return this.#changed();
    this.choose({user});
    this.commands = undefined;
    this.connect();
    void this.loadCommands();
  }

  /** Give the cookie back, and end the session. */
  async logOut() {
    if (!(await logOut())) return this.#notice({kind: 'not_sent'});
    this.choose({user: undefined});
    this.#closeMicrophone();
    this.#client.close();
    this.#set(EMPTY);
    void this.loadCommands();
  }

  async toggleListening() {
    if (this.microphone === 'off') await this.#openMicrophone();
    else this.#closeMicrophone();
  }

  /** Push-to-talk: the button went down. */
  async press() {
    if (this.isPressed) return;
    this.isPressed = true;
    this.#changed();
    if (this.microphone === 'off') await this.#openMicrophone();
    if (this.microphone !== 'on') this.isPressed = false;
    if (this.isPressed) this.#client.startAudio();
    this.#changed();
  }

  release() {
    if (!this.isPressed) return;
    this.isPressed = false;
    if (this.microphone === 'on') this.#client.endAudio();
    this.#changed();
  }

  /** Change choices, and what follows from them at once. */
  choose(choices) {
    this.preferences = {...this.preferences, ...choices};
    savePreferences(this.preferences);
    if ('speak' in choices) this.#client.update({capabilities: this.#capabilities()});
    if ('mode' in choices) this.#client.update({mode: choices.mode});
    if ('language' in choices) this.#client.update({language: choices.language ?? 'auto'});
    if ('voice' in choices) this.#client.update({voice: choices.voice ?? this.voices[0]?.id});
    if ('model' in choices) this.#client.update({stt_model: choices.model ?? this.models[0]});
    if ('wake' in choices) this.#client.update({wake: choices.wake});
    if ('mode' in choices && this.microphone === 'on') this.#closeMicrophone();
    if ('deviceId' in choices && this.microphone === 'on') void this.#reopenMicrophone();
    if (choices.speak === false) this.#loudspeaker.flush();
    this.#changed();
  }

  async loadCommands() {
    try {
      const response = await fetch('api/commands', {cache: 'no-store'});
      this.refusal = refusalBy(response.status, this.preferences.user !== undefined);
      if (response.ok) this.commands = await response.json();
      else this.commands ??= null;
    } catch {
      this.commands ??= null;
    }
    this.#changed();
  }

  /** Load what may be chosen; a list that is not to be had is empty, and nothing of it is offered. */
  async loadOffers() {
    const listed = async (path, name) => {
      try {
        return (await (await fetch(path)).json())[name] ?? [];
      } catch {
        return [];
      }
    };
    const [voices, models] = await Promise.all([listed('v1/audio/voices', 'voices'), listed('api/models', 'models')]);
    this.voices = voices;
    this.models = models.sort((one, other) => other.is_usual - one.is_usual).map(({name}) => name);
    this.#applyChoices();
    this.#changed();
  }

  /** Ask for what was chosen in this browser, as far as the server has it: what it has not could keep the session shut. */
  #applyChoices() {
    const {voice, model, wake} = this.preferences;
    const wanted = {
      ...(this.voices.some(({id}) => id === voice) ? {voice} : {}),
      ...(this.models.includes(model) ? {stt_model: model} : {}),
      ...(this.wakeWords.includes(wake) || wake === '' ? {wake} : {}),
    };
    if (Object.keys(wanted).length > 0) this.#client.update(wanted);
  }

  #capabilities() {
    return this.preferences.speak ? ['stt', 'llm', 'tools', 'tts'] : ['stt', 'llm', 'tools'];
  }

  // --- what the server tells ---------------------------------------------------------------------

  #listen() {
    const client = this.#client;
    const loudspeaker = this.#loudspeaker;
    client.on('connection_state', (state) => this.#onConnection(state));
    client.on('connection_accepted', ({resumed}) => this.#onAccepted(resumed));
    client.on('sent', (frame) => this.frames.add(frame, true));
    client.on('frame', (frame) => this.frames.add(frame, false));
    client.on('frame', ({type, data}) => this.#set(afterEvent(this.conversation, type, data, Date.now())));
    client.on('error', ({code}) => UNAVAILABLE[code] && this.#forget(UNAVAILABLE[code]));
    client.on('speech_audio_start', ({sample_rate: rate}) => loudspeaker.start(rate));
    client.on('speech_audio', ({data}) => loudspeaker.play(data));
    client.on('speech_started', () => loudspeaker.duck());
    client.on('speech_audio_paused', () => loudspeaker.flush());
    for (const type of ['speech_audio_resumed', 'no_speech', 'turn_completed']) client.on(type, () => loudspeaker.unduck());
    client.on('turn_completed', ({outcome}) => outcome === 'interrupted' && loudspeaker.flush());
    loudspeaker.onReport = ({isPlaying}) => {
      if (isPlaying === this.isPlaying) return;
      this.isPlaying = isPlaying;
      this.#changed();
    };
  }

  #onConnection({phase, code}) {
    if (phase === 'open') this.#wasOpen = true;
    if (phase === 'waiting' && code === ABNORMAL) void this.loadCommands(); // a browser does not tell why it was refused
    if (phase === 'closed') {
      this.#wasOpen = false;
      this.#closeMicrophone();
    }
    this.#changed();
  }

  #onAccepted(isResumed) {
    this.refusal = undefined;
    if (!isResumed) {
      this.waveform.clear();
      this.#loudspeaker.flush();
    }
    if (this.commands === null) void this.loadCommands();
    if (!isResumed) void this.loadOffers();
    const text = this.#pending;
    this.#pending = undefined;
    if (text !== undefined) queueMicrotask(() => this.type(text)); // once the client counts as open
  }

  /** Forget a choice that the server refuses, so that the next connection is opened without it. */
  #forget(name) {
    if (this.preferences[name] === undefined) return;
    this.preferences = {...this.preferences, [name]: undefined};
    savePreferences(this.preferences);
    this.#client.forget(name === 'model' ? 'stt_model' : name);
  }

  // --- the microphone ----------------------------------------------------------------------------

  async #openMicrophone() {
    this.microphone = 'opening';
    this.microphoneProblem = undefined;
    this.#changed();
    try {
      this.#opened = await Microphone.open({
        worklet: file('capture.js'),
        onFrame: (pcm, peak) => this.#onFrame(pcm, peak),
        onEnded: () => this.#failMicrophone('unplugged'),
        ...(this.preferences.deviceId === undefined ? {} : {deviceId: this.preferences.deviceId}),
      });
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.#failMicrophone(error.problem);
      return;
    }
    if (this.microphone !== 'opening') return this.#closeMicrophone(); // the user thought better of it meanwhile
    this.microphone = 'on';
    if (this.connection.phase === 'closed') this.#client.connect();
    this.#keepAwake();
    await this.#listDevices();
  }

  #closeMicrophone() {
    this.#opened?.stop();
    this.#opened = undefined;
    this.microphone = 'off';
    this.isPressed = false;
    this.#keepAwake();
    this.#changed();
  }

  async #reopenMicrophone() {
    this.#closeMicrophone();
    await this.#openMicrophone();
  }

  #failMicrophone(problem) {
    this.#closeMicrophone();
    this.microphoneProblem = problem;
    this.#changed();
  }

  #onFrame(pcm, peak) {
    const isHeard = this.preferences.mode === 'hands_free' || this.isPressed;
    if (this.microphone === 'on' && isHeard) this.#client.sendAudio(pcm);
    this.waveform.add(this.#client.samples, isHeard ? peak : 0);
  }

  /** Browsers tell the names of devices only once the microphone was allowed. */
  async #listDevices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.devices = all.filter(({kind, deviceId}) => kind === 'audioinput' && !['', 'default', 'communications'].includes(deviceId));
    this.#changed();
  }

  /** Keep a phone's screen on while it listens. */
  #keepAwake() {
    const isWanted = this.microphone === 'on' && document.visibilityState === 'visible';
    if (isWanted && this.#lock === undefined) {
      this.#lock = navigator.wakeLock?.request('screen').catch(() => undefined); // a phone that saves power says no
    } else if (!isWanted && this.#lock !== undefined) {
      void this.#lock.then((lock) => lock?.release());
      this.#lock = undefined;
    }
  }

  // --- changes -----------------------------------------------------------------------------------

  #notice(notice, result) {
    this.#set({...this.conversation, notice});
    return result;
  }

  #set(conversation) {
    if (conversation === this.conversation) return;
    this.conversation = conversation;
    this.waveform.spans = conversation.spans;
    this.#changed();
  }

  #changed() {
    this.#onChange();
  }
}
