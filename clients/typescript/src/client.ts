/**
 * A session of sayso's native protocol over a WebSocket, opened again when it was lost.
 *
 * - The same behaviour as `sayso_client`, the client for Python: docs/protocol.md has the rules.
 * - Audio is kept until the server has it, so after a loss it goes on at the sample that the server names.
 * - What was said to a session that is gone is not said to the next one.
 * - A socket that is silent for longer than a server ever is counts as lost.
 */

import type {
  AudioFormat, ClientEvents, ConnectionAccepted, ConnectionRequest, ServerEvents, SessionUpdate, SpeechAudioStart,
} from './events.ts';
import {AWAY, DEFAULT_POLICY, MISTAKE, NORMAL, waitMs, type ReconnectPolicy} from './reconnection.ts';
import {SentAudio} from './sent-audio.ts';

/** The options of `connection_request`. */
export type SessionOptions = Omit<ConnectionRequest, 'resume'>;

export type ConnectionState =
  | {phase: 'idle'}
  | {phase: 'connecting'}
  | {phase: 'open'}
  /** Lost; the next try comes at `retryAt` (as `Date.now`). */
  | {phase: 'waiting'; code: number; reason: string; retryAt: number}
  /** Lost for good, or ended: `connect` begins anew. */
  | {phase: 'closed'; code: number; reason: string};

/** More of the answer's speech. */
export interface SpeechAudio extends SpeechAudioStart {
  data: ArrayBuffer;
}

export interface ClientListeners extends ServerEvents {
  connection_state: ConnectionState;
  speech_audio: SpeechAudio;
  /** Every text frame that came, known or not, for logs. */
  frame: {type: string; seq?: number; data: unknown};
  /** Every text frame that was sent, for logs; the first of a connection may hold a token. */
  sent: {type: string; data: unknown};
}

export interface ClientConfig {
  /** `ws://` or `wss://`, with the path `/ws`. */
  url: string;
  options: SessionOptions;
  /** The key, where the server wants one. */
  key?: string;
  policy?: ReconnectPolicy;
  /** Audio that the server has not acknowledged; beyond it audio is refused. */
  keptS?: number;
  /** For programs without a global WebSocket, such as Node 20. */
  WebSocket?: typeof WebSocket;
  /** Draws the waits, from 0 to 1. */
  random?: () => number;
}

/** A server sends `status` every 5 s. */
export const SILENCE_MS = 12_000;
export const OPENING_MS = 10_000;
/** Bytes in the socket's own buffer beyond which audio waits where it can still be counted. */
const HIGH_WATER_BYTES = 65_536;
const PUMP_MS = 50;
const ABNORMAL = 1006;
const SAMPLE_BYTES = {pcm_s16le: 2, pcm_f32le: 4};
const DEFAULT_RATE_HZ = 16_000;

type Listener = (data: never) => void;

/** Return what keeps the audio of a session in this format. */
function audioOf(format: AudioFormat | undefined, keptS: number): SentAudio {
  const {format: encoding = 'pcm_s16le', sample_rate: rate = DEFAULT_RATE_HZ, channels = 1} = format ?? {};
  if (encoding === 'opus') throw new RangeError('this client sends pcm_s16le or pcm_f32le, not opus');
  return new SentAudio(SAMPLE_BYTES[encoding] * channels, keptS * rate);
}

export class SaysoClient {
  readonly #config: ClientConfig;
  readonly #listeners = new Map<string, Set<Listener>>();
  #options: SessionOptions;
  #key: string | undefined;
  #later: Pick<SessionUpdate, 'voice' | 'task'> = {}; // options that connection_request has no room for
  #audio: SentAudio;
  #state: ConnectionState = {phase: 'idle'};
  #accepted: ConnectionAccepted | undefined;
  #socket: WebSocket | undefined;
  #token: string | undefined;
  #lastSeq = 0;
  #replica: string | undefined; // to ask for, once, when the connection is lost
  #speech: SpeechAudioStart | undefined;
  #tries = 0;
  #openedAt = 0;
  #heardAt = 0;
  #told: {afterMs: number; reason: string} | undefined;
  #fault: string | undefined;
  #isLeaving = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pumping: ReturnType<typeof setTimeout> | undefined;

  constructor(config: ClientConfig) {
    this.#config = config;
    this.#options = config.options;
    this.#key = config.key;
    this.#audio = audioOf(config.options.audio, config.keptS ?? 30);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The last `connection_accepted`: the server, its limits, and whether the session was resumed. */
  get accepted(): ConnectionAccepted | undefined {
    return this.#accepted;
  }

  /** Samples of this session's audio so far; `at_ms` of events counts in them. */
  get samples(): number {
    return this.#audio.position;
  }

  /** Call `listener` with each event of a type; return what ends that. */
  on<Type extends keyof ClientListeners>(type: Type, listener: (data: ClientListeners[Type]) => void): () => void {
    const all = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, all.add(listener as Listener));
    return () => void all.delete(listener as Listener);
  }

  // --- the connection ----------------------------------------------------------------------------

  /** Open the session unless it is open or being opened; one that was lost is resumed. */
  connect(): void {
    if (this.#state.phase === 'connecting' || this.#state.phase === 'open') return;
    this.#isLeaving = false;
    this.#tries = 0;
    this.#told = undefined;
    this.#open();
  }

  /** Show another key from the next connection on. */
  setKey(key: string | undefined): void {
    this.#key = key;
  }

  /** Try at once to come back, unless the server asked for a wait: the network or the page has come back. */
  wake(): void {
    const isSilent = this.#state.phase === 'open' && Date.now() - this.#heardAt > SILENCE_MS / 2;
    if (isSilent || (this.#state.phase === 'waiting' && this.#told === undefined)) this.#open();
  }

  /** Let the running turn finish, then end the session. */
  bye(): void {
    this.#isLeaving = true;
    if (this.#state.phase === 'open') this.#send('bye', {});
    else this.close();
  }

  /** End the session at once. */
  close(): void {
    this.#isLeaving = true;
    this.#detach(NORMAL);
    this.#end(NORMAL, '');
  }

  // --- sending -----------------------------------------------------------------------------------

  /**
   * Send samples in the session's format, or keep them until the connection is open again.
   *
   * Return whether they were taken: not where too many wait, and not after the end of the session.
   */
  sendAudio(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state.phase === 'closed') return false;
    const isTaken = this.#audio.add(bytes);
    this.#pump();
    return isTaken;
  }

  /** Push-to-talk: the button is pressed. */
  startAudio(): void {
    this.#mark('audio_start');
  }

  /** Push-to-talk: the button is released. */
  endAudio(): void {
    this.#mark('audio_end');
  }

  /** Send a typed command; return false if there is no connection: sent later it could surprise. */
  sendText(text: string): boolean {
    return this.#send('text', {text});
  }

  /** Stop the turn; `heardMs` is how much of its speech was played. */
  interrupt(heardMs?: number): boolean {
    return this.#send('interrupt', heardMs === undefined ? {} : {heard_ms: Math.round(heardMs)});
  }

  /** Answer a `confirm_request`. */
  confirm(callId: string, approve: boolean): boolean {
    return this.#send('confirm', {call_id: callId, approve});
  }

  /** Change options; they hold for connections that are opened again, too. Another audio format needs another client. */
  update({voice, task, ...options}: Omit<SessionUpdate, 'audio'>): void {
    const later = {...(voice === undefined ? {} : {voice}), ...(task === undefined ? {} : {task})};
    this.#options = {...this.#options, ...options};
    this.#later = {...this.#later, ...later};
    this.#send('session_update', {...options, ...later});
  }

  /** Leave an option that the server refuses out of the connections that are opened from now on. */
  forget(name: 'language' | 'stt_model' | 'wake'): void {
    const {[name]: _, ...others} = this.#options;
    this.#options = others;
  }

  ping(t: number | string): boolean {
    return this.#send('ping', {t});
  }

  #mark(type: 'audio_start' | 'audio_end'): void {
    if (this.#state.phase === 'closed') return;
    this.#audio.addMark(JSON.stringify({type}));
    this.#pump();
  }

  #send<Type extends keyof ClientEvents>(type: Type, data: ClientEvents[Type]): boolean {
    if (this.#state.phase !== 'open' || this.#socket?.readyState !== 1) return false;
    this.#write(this.#socket, {type, data});
    return true;
  }

  #write(socket: WebSocket, frame: ClientListeners['sent']): void {
    socket.send(JSON.stringify(frame));
    this.#emit('sent', frame);
  }

  /** Send kept audio, but no more than the socket's buffer takes. */
  #pump(): void {
    clearTimeout(this.#pumping);
    while (this.#state.phase === 'open' && this.#socket?.readyState === 1 && this.#audio.hasUnsent) {
      if (this.#socket.bufferedAmount > HIGH_WATER_BYTES) {
        this.#pumping = setTimeout(() => this.#pump(), PUMP_MS);
        return;
      }
      const next = this.#audio.next();
      this.#socket.send(next);
      if (typeof next === 'string') this.#emit('sent', {data: {}, ...JSON.parse(next)});
    }
  }

  // --- one socket --------------------------------------------------------------------------------

  #open(): void {
    this.#detach(AWAY);
    this.#fault = undefined;
    this.#set({phase: 'connecting'});
    const url = addressAt(this.#config.url, this.#replica);
    this.#replica = undefined; // one that cannot be had is not asked for again
    const socket = new (this.#config.WebSocket ?? WebSocket)(url, subprotocolsFor(this.#key));
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#introduce(socket);
    socket.onmessage = ({data}) => this.#take(data as string | ArrayBuffer);
    socket.onclose = ({code, reason}) => this.#lose(code, reason);
    this.#expect(OPENING_MS, 'the server does not answer');
  }

  #introduce(socket: WebSocket): void {
    const resume = this.#token === undefined ? {} : {resume: {token: this.#token, last_seq: this.#lastSeq}};
    this.#write(socket, {type: 'connection_request', data: {...this.#options, ...resume}});
  }

  /** Count the connection as lost if no frame comes within this time. */
  #expect(ms: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lose(ABNORMAL, otherwise), ms);
  }

  /** Let go of the socket, and of all timers. */
  #detach(code: number): void {
    for (const timer of [this.#deadline, this.#retry, this.#pumping]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState < 2) socket.close(code);
  }

  #lose(code: number, reason: string): void {
    const wasStable = this.#state.phase === 'open' && Date.now() - this.#openedAt >= (this.#config.policy ?? DEFAULT_POLICY).stableMs;
    this.#detach(AWAY);
    if (wasStable) this.#tries = 0;
    const why = this.#told?.reason ?? this.#fault ?? reason;
    const afterMs = this.#isLeaving
      ? undefined
      : waitMs(code, this.#told?.afterMs, this.#tries, this.#config.random ?? Math.random, this.#config.policy);
    this.#tries += 1;
    if (afterMs === undefined) {
      this.#end(code, why);
      return;
    }
    this.#retry = setTimeout(() => this.#open(), afterMs);
    this.#set({phase: 'waiting', code, reason: why, retryAt: Date.now() + afterMs});
  }

  #end(code: number, reason: string): void {
    if (code === NORMAL) this.#token = undefined;
    this.#audio.clear();
    this.#set({phase: 'closed', code, reason});
  }

  // --- one frame ---------------------------------------------------------------------------------

  #take(frame: string | ArrayBuffer): void {
    this.#heardAt = Date.now();
    if (this.#state.phase === 'open') this.#expect(SILENCE_MS, 'no sign of the server');
    if (typeof frame !== 'string') {
      if (this.#speech !== undefined) this.#emit('speech_audio', {...this.#speech, data: frame});
      return;
    }
    const event = parsed(frame);
    if (event === undefined) {
      this.#lose(MISTAKE, 'the server speaks another protocol');
      return;
    }
    this.#remember(event);
    this.#emit('frame', event);
    this.#emit(event.type as keyof ServerEvents, event.data as never);
  }

  /** Keep what is needed to resume, and to come back in time. */
  #remember({type, seq, data}: {type: string; seq?: number; data: unknown}): void {
    if (seq !== undefined) this.#lastSeq = Math.max(this.#lastSeq, seq);
    const event = {[type]: data} as Partial<ServerEvents>;
    if (event.connection_accepted) this.#accept(event.connection_accepted, seq ?? 0);
    if (event.audio_ack) this.#audio.acknowledge(event.audio_ack.samples);
    if (event.speech_audio_start) this.#speech = event.speech_audio_start;
    if (event.error?.fatal) this.#fault = event.error.message;
    if (event.connection_refused) {
      this.#told = {afterMs: event.connection_refused.retry_after_ms, reason: event.connection_refused.reason};
    }
    if (event.going_away) {
      this.#token = event.going_away.resume_token;
      this.#replica = undefined; // it leaves
      this.#told = {afterMs: event.going_away.retry_after_ms, reason: event.going_away.reason};
    }
  }

  #accept(accepted: ConnectionAccepted, seq: number): void {
    const isAnother = this.#token !== undefined && !accepted.resumed;
    this.#token = accepted.resume_token;
    this.#replica = accepted.server?.replica;
    this.#accepted = accepted;
    this.#told = undefined;
    this.#openedAt = Date.now();
    if (accepted.resumed) this.#audio.resumeAt(accepted.received_samples);
    else this.#begin(seq, isAnother);
    this.#set({phase: 'open'});
    this.#expect(SILENCE_MS, 'no sign of the server');
    if (!accepted.resumed && Object.keys(this.#later).length > 0) this.#send('session_update', this.#later);
    this.#pump();
  }

  #begin(seq: number, isAnother: boolean): void {
    this.#lastSeq = seq;
    this.#speech = undefined;
    if (isAnother) this.#audio.clear();
  }

  #set(state: ConnectionState): void {
    this.#state = state;
    this.#emit('connection_state', state);
  }

  #emit<Type extends keyof ClientListeners>(type: Type, data: ClientListeners[Type]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) (listener as (data: ClientListeners[Type]) => void)(data);
  }
}

/** Return an address that names the replica that is wanted, for a proxy that knows it. */
export function addressAt(url: string, replica: string | undefined): string {
  if (replica === undefined) return url;
  return `${url}${url.includes('?') ? '&' : '?'}at=${encodeURIComponent(replica)}`;
}

/** Return the subprotocols to offer: a page has no other way to show a key to a WebSocket. */
export function subprotocolsFor(key: string | undefined): string[] {
  if (key === undefined) return [];
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  return ['sayso.v1', `sayso.key.${btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`];
}

/** Return a text frame's parts; undefined if it is none of the protocol. */
function parsed(frame: string): {type: string; seq?: number; data: unknown} | undefined {
  try {
    const {type, seq, data = {}} = JSON.parse(frame);
    return typeof type === 'string' ? {type, ...(typeof seq === 'number' ? {seq} : {}), data} : undefined;
  } catch {
    return undefined;
  }
}
