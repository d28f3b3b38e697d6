/**
 * The conversation with one server: the client, the microphone and the loudspeaker together, and one state for the screens.
 *
 * - Screens change nothing themselves: they call what the user does, and show the state.
 * - What the microphone gives is sent as it is, or as silence of the same length while an answer would be heard in it
 *   (`model/duplex.ts`).
 * - Sound that the system takes away (a call) ends the answer, and comes back when the system gives it back.
 */

import {BAD_KEY, IDLE, NORMAL, SaysoClient, type ClientConfig, type ConnectionState, type events, type SessionOptions} from '@sayso/client';
import {silenceLike} from '../audio/pcm.ts';
import {MICROPHONE_RATE_HZ, problemOf, type AudioPort, type ListeningNotice, type OpenAudio} from '../audio/port.ts';
import {activityOf, type Activity, type MicrophoneState} from '../model/activity.ts';
import {causeOf} from '../model/connection-cause.ts';
import {afterEvent, afterTyping, EMPTY, openQuestion, withNotice, type Conversation, type Question} from '../model/conversation.ts';
import {isHalfDuplex, isSilenced, type AudioRoute, type Playback} from '../model/duplex.ts';
import {Levels} from '../model/levels.ts';
import {NO_OFFERS, refusedChoice, updateFor, wantedOf, type Offers} from '../model/offers.ts';
import type {Preferences} from '../model/preferences.ts';
import type {ServerEntry} from '../model/server-address.ts';
import {PROTOCOL, troubleOf, type MicrophoneTrouble, type Refusal, type Trouble} from '../model/trouble.ts';
import {Store} from './store.ts';

export interface TalkState {
  connection: ConnectionState;
  /** Whether the connection has been open since the user began it. */
  wasOpen: boolean;
  isOnline: boolean;
  refusal: Refusal | undefined;
  server: {name: string; version: string} | undefined;
  conversation: Conversation;
  microphone: MicrophoneState;
  microphoneProblem: MicrophoneTrouble | undefined;
  /** Push-to-talk: the button is down. */
  isPressed: boolean;
  isPlaying: boolean;
  route: AudioRoute;
  /** What the server offers to choose from. */
  offers: Offers;
  wakeWords: readonly string[];
  /** The server's own wake word; undefined if it has none. */
  usualWake: string | undefined;
}

export interface TalkConfig {
  server: ServerEntry | undefined;
  preferences: () => Preferences;
  openAudio: OpenAudio;
  /** What stands in the notification while it listens. */
  notice: () => ListeningNotice;
  /** A session has begun: the server's lists may be others than before. */
  onSession: () => void;
  /** The server refuses a choice. */
  onRefused: (name: 'model' | 'wake' | 'language') => void;
  WebSocket?: ClientConfig['WebSocket'];
  random?: () => number;
}

/** Close codes after which the user may simply go on. */
const RESTING: ReadonlySet<number> = new Set([IDLE, NORMAL]);
const LEVELS = 64;

export class Talk {
  readonly store: Store<TalkState>;
  readonly levels = new Levels(LEVELS);
  readonly hasServer: boolean;
  readonly #config: TalkConfig;
  readonly #client: SaysoClient;
  readonly #audio: AudioPort;
  #endedAt: number | undefined;
  #lastRequest = 0; // number of the last request to open or close the microphone: only that one counts
  #work = Promise.resolve();
  #pending: string | undefined; // typed while the connection rested

  constructor(config: TalkConfig) {
    this.#config = config;
    this.hasServer = config.server !== undefined;
    this.#client = new SaysoClient(clientConfig(config));
    this.#audio = config.openAudio({
      onPlaying: (isPlaying) => this.#onPlaying(isPlaying),
      onRoute: (route) => this.store.set({route}),
      onInterruption: (isTaken) => void this.#onInterruption(isTaken),
      onMicrophoneEnded: () => this.#failMicrophone('unplugged'),
      onStopped: () => this.#closeMicrophone(),
    });
    this.store = new Store<TalkState>({
      connection: this.#client.state,
      wasOpen: false,
      isOnline: true,
      refusal: undefined,
      server: undefined,
      conversation: EMPTY,
      microphone: 'off',
      microphoneProblem: undefined,
      isPressed: false,
      isPlaying: false,
      route: this.#audio.route,
      offers: NO_OFFERS,
      wakeWords: [],
      usualWake: undefined,
    });
    this.#listen();
  }

  // --- what the screens show ---------------------------------------------------------------------

  activity(now: number): Activity {
    return activityOf({...this.store.get(), mode: this.#config.preferences().mode}, now);
  }

  trouble(): Trouble | undefined {
    const {microphoneProblem, ...state} = this.store.get();
    return troubleOf({...state, hasServer: this.hasServer, microphone: microphoneProblem});
  }

  question(now: number): Question | undefined {
    return openQuestion(this.store.get().conversation, now);
  }

  /** Whether the microphone is silenced while answers are played, so that the user has to tap to interrupt one. */
  get isHalfDuplex(): boolean {
    return isHalfDuplex(this.#config.preferences().policy, this.#audio.route, this.#audio.cancelsEcho);
  }

  // --- what the user does ------------------------------------------------------------------------

  /** Connect, at the start and after a loss, a takeover or a rest. */
  connect(): void {
    if (!this.hasServer) return;
    this.store.set({refusal: undefined});
    this.#client.connect();
  }

  /** Send typed words; return false if they could not be sent. */
  type(text: string): boolean {
    const {connection} = this.store.get();
    if (connection.phase === 'closed' && RESTING.has(connection.code)) {
      this.#pending = text;
      this.#client.connect();
      return true;
    }
    const isSent = this.#client.sendText(text);
    const {conversation} = this.store.get();
    this.store.set({conversation: isSent ? afterTyping(conversation, text) : withNotice(conversation, {kind: 'not_sent'})});
    return isSent;
  }

  /** Answer the question that is open; one whose time is over is the server's to answer. */
  confirm(callId: string, approve: boolean): void {
    this.#client.confirm(callId, approve);
  }

  /** Stop the answer, and what it is worked out of. */
  interrupt(): void {
    this.#client.interrupt(this.store.get().isPlaying ? this.#audio.heardMs : undefined);
    this.#flush();
  }

  async toggleListening(): Promise<void> {
    if (this.store.get().microphone === 'off') await this.#openMicrophone();
    else this.#closeMicrophone();
  }

  /** Push-to-talk: the button went down. An answer that sounds is ended: the microphone would hear it. */
  async press(): Promise<void> {
    if (this.store.get().isPressed) return;
    this.store.set({isPressed: true});
    if (this.store.get().isPlaying) this.interrupt();
    if (this.store.get().microphone !== 'on') await this.#openMicrophone();
    const {isPressed, microphone} = this.store.get();
    if (microphone !== 'on') this.store.set({isPressed: false});
    else if (isPressed) this.#client.startAudio();
  }

  release(): void {
    const {isPressed, microphone} = this.store.get();
    if (!isPressed) return;
    this.store.set({isPressed: false});
    if (microphone === 'on') this.#client.endAudio();
  }

  /** Follow the choices that have changed. */
  choose(changed: Partial<Preferences>): void {
    if ('speak' in changed) this.#client.update({capabilities: capabilities(changed.speak === true)});
    if (changed.mode !== undefined) this.#client.update({mode: changed.mode});
    if ('language' in changed) this.#client.update({language: changed.language ?? 'auto'});
    const update = updateFor(changed, this.store.get().offers);
    if (Object.keys(update).length > 0) this.#client.update(update);
    if (changed.speak === false) this.#flush();
    if (('mode' in changed || 'background' in changed) && this.store.get().microphone !== 'off') this.#closeMicrophone();
  }

  /** Take the server's lists, and ask for what was chosen on this phone, as far as it is in them. */
  setOffers(offers: Offers): void {
    this.store.set({offers});
    const wanted = wantedOf(this.#config.preferences(), offers, this.store.get().wakeWords);
    if (Object.keys(wanted).length > 0) this.#client.update(wanted);
  }

  // --- what happens to the phone -----------------------------------------------------------------

  /** The app is in front again, perhaps after hours. */
  async toForeground(): Promise<void> {
    const {connection, wasOpen, microphone} = this.store.get();
    if (connection.phase === 'closed' && connection.code === IDLE && wasOpen) this.#client.connect();
    else this.#client.wake();
    if (microphone === 'taken') await this.#openMicrophone(); // iOS does not always say that a call is over
  }

  /** Another app is in front, or the screen is off. */
  toBackground(): void {
    this.release();
    if (!this.#config.preferences().background && this.store.get().microphone !== 'off') this.#closeMicrophone();
  }

  setOnline(isOnline: boolean): void {
    if (isOnline) this.#client.wake(); // also from one network to another: the old socket may be dead without knowing
    this.store.set({isOnline});
  }

  /** End the session, and give the device's sound back. */
  close(): void {
    this.#lastRequest += 1;
    this.#client.close();
    this.#audio.close();
  }

  // --- the microphone ----------------------------------------------------------------------------

  async #openMicrophone(): Promise<void> {
    if (this.store.get().microphone === 'opening') return;
    this.store.set({microphone: 'opening', microphoneProblem: undefined});
    const {preferences, notice} = this.#config;
    const onFrame = (pcm: Uint8Array<ArrayBuffer>, peak: number) => this.#onFrame(pcm, peak);
    const request = {onFrame, notice: notice(), isInBackground: preferences().background};
    this.#lastRequest += 1;
    const number = this.#lastRequest;
    try {
      await this.#inTurn(async () => (number === this.#lastRequest ? this.#audio.openMicrophone(request) : undefined));
    } catch (error) {
      const problem = problemOf(error);
      if (number === this.#lastRequest) this.#failMicrophone(problem);
      return;
    }
    if (number !== this.#lastRequest) return; // the user thought better of it meanwhile, and what closes it is on its way
    this.store.set({microphone: 'on'});
    if (this.store.get().connection.phase === 'closed') this.connect();
  }

  /** Open and close one after the other: a permission that is asked for can take minutes. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined); // the caller gets the error
    return done;
  }

  #closeMicrophone(microphone: MicrophoneState = 'off'): void {
    this.release();
    this.#lastRequest += 1;
    this.store.set({microphone});
    this.levels.clear();
    void this.#inTurn(() => this.#audio.closeMicrophone());
  }

  #failMicrophone(problem: MicrophoneTrouble): void {
    this.#closeMicrophone();
    this.store.set({microphoneProblem: problem});
  }

  #onFrame(pcm: Uint8Array<ArrayBuffer>, peak: number): void {
    const {microphone, isPressed, isPlaying} = this.store.get();
    const isHeard = microphone === 'on' && (isPressed || this.#config.preferences().mode === 'hands_free');
    const playback: Playback = {isPlaying, endedAt: this.#endedAt};
    const isSilent = !isHeard || isSilenced(this.isHalfDuplex, playback, Date.now());
    if (isHeard) this.#client.sendAudio(isSilent ? silenceLike(pcm) : pcm);
    this.levels.add(isSilent ? 0 : peak);
  }

  async #onInterruption(isTaken: boolean): Promise<void> {
    const {microphone, isPlaying} = this.store.get();
    if (isTaken) {
      if (isPlaying) this.interrupt();
      if (microphone !== 'off') this.#closeMicrophone('taken');
    } else if (microphone === 'taken') {
      await this.#openMicrophone();
    }
  }

  // --- the loudspeaker ---------------------------------------------------------------------------

  #onPlaying(isPlaying: boolean): void {
    this.#endedAt = isPlaying ? undefined : Date.now();
    this.store.set({isPlaying});
  }

  #flush(): void {
    this.#audio.flush();
    this.#endedAt = undefined; // what was cut off is not in the air any more
  }

  // --- what the server tells ---------------------------------------------------------------------

  #listen(): void {
    const client = this.#client;
    client.on('connection_state', (connection) => this.#onConnection(connection));
    client.on('connection_accepted', (accepted) => this.#onAccepted(accepted));
    client.on('error', ({code}) => this.#onError(code));
    client.on('frame', ({type, data}) => {
      this.store.set({conversation: afterEvent(this.store.get().conversation, type, data, Date.now())});
    });
    client.on('speech_audio_start', ({sample_rate: rateHz}) => this.#audio.startSpeech(rateHz));
    client.on('speech_audio', ({data}) => this.#audio.play(data));
    client.on('speech_started', () => this.#audio.duck());
    client.on('speech_audio_paused', () => this.#flush());
    for (const type of ['speech_audio_resumed', 'no_speech', 'turn_completed'] as const) client.on(type, () => this.#audio.unduck());
    client.on('turn_completed', ({outcome}) => {
      if (outcome === 'interrupted') this.#flush();
    });
  }

  #onConnection(connection: ConnectionState): void {
    this.store.set({connection});
    if (connection.phase === 'open') this.store.set({wasOpen: true});
    // a phone's socket says so in words; with more wrong keys the server would lock the phone out
    if (connection.phase === 'waiting' && causeOf(connection.reason) === 'key') this.#refuse('key');
    if (connection.phase !== 'closed') return;
    if (connection.code === BAD_KEY) this.store.set({refusal: 'key'});
    if (this.store.get().microphone !== 'off') this.#closeMicrophone();
    if (!RESTING.has(connection.code)) this.store.set({wasOpen: false});
  }

  #refuse(refusal: Refusal): void {
    this.store.set({refusal});
    this.#client.close();
  }

  #onError(code: string): void {
    const name = refusedChoice(code);
    if (name === undefined || this.#config.preferences()[name] === undefined) return;
    this.#client.forget(name === 'model' ? 'stt_model' : name);
    this.#config.onRefused(name);
  }

  #onAccepted({protocol, resumed, server, wake, wake_words: wakeWords = []}: events.ConnectionAccepted): void {
    if (protocol > PROTOCOL) return this.#refuse('newer');
    this.store.set({refusal: undefined, server, wakeWords, usualWake: wake});
    if (!resumed) {
      this.levels.clear();
      this.#flush();
      this.#config.onSession();
    }
    const text = this.#pending;
    this.#pending = undefined;
    if (text !== undefined) this.type(text);
  }
}

function capabilities(speaks: boolean): SessionOptions['capabilities'] {
  return speaks ? ['stt', 'llm', 'tools', 'tts'] : ['stt', 'llm', 'tools'];
}

function clientConfig({server, preferences, WebSocket, random}: TalkConfig): ClientConfig {
  const {clientId, mode, language, speak} = preferences();
  return {
    url: server?.url ?? '',
    options: {
      client_id: clientId,
      capabilities: capabilities(speak),
      mode,
      interim: true,
      audio: {format: 'pcm_s16le', sample_rate: MICROPHONE_RATE_HZ, channels: 1},
      ...(language === undefined ? {} : {language}),
    },
    ...(server?.key === undefined ? {} : {key: server.key}),
    ...(WebSocket === undefined ? {} : {WebSocket}),
    ...(random === undefined ? {} : {random}),
  };
}
