import { AWAY, DEFAULT_POLICY, MISTAKE, NORMAL, waitMs } from './reconnection.js';
import { SentAudio } from './sent-audio.js';
export const SILENCE_MS = 12_000;
export const OPENING_MS = 10_000;
const HIGH_WATER_BYTES = 65_536;
const PUMP_MS = 50;
const ABNORMAL = 1006;
const SAMPLE_BYTES = { pcm_s16le: 2, pcm_f32le: 4 };
const DEFAULT_RATE_HZ = 16_000;
function audioOf(format, keptS) {
    const { format: encoding = 'pcm_s16le', sample_rate: rate = DEFAULT_RATE_HZ, channels = 1 } = format ?? {};
    if (encoding === 'opus')
        throw new RangeError('this client sends pcm_s16le or pcm_f32le, not opus');
    return new SentAudio(SAMPLE_BYTES[encoding] * channels, keptS * rate);
}
export class SaysoClient {
    #config;
    #listeners = new Map();
    #options;
    #key;
    #later = {};
    #audio;
    #state = { phase: 'idle' };
    #accepted;
    #socket;
    #token;
    #lastSeq = 0;
    #replica;
    #speech;
    #tries = 0;
    #openedAt = 0;
    #heardAt = 0;
    #told;
    #fault;
    #isLeaving = false;
    #deadline;
    #retry;
    #pumping;
    constructor(config) {
        this.#config = config;
        this.#options = config.options;
        this.#key = config.key;
        this.#audio = audioOf(config.options.audio, config.keptS ?? 30);
    }
    get state() {
        return this.#state;
    }
    get accepted() {
        return this.#accepted;
    }
    get samples() {
        return this.#audio.position;
    }
    on(type, listener) {
        const all = this.#listeners.get(type) ?? new Set();
        this.#listeners.set(type, all.add(listener));
        return () => void all.delete(listener);
    }
    connect() {
        if (this.#state.phase === 'connecting' || this.#state.phase === 'open')
            return;
        this.#isLeaving = false;
        this.#tries = 0;
        this.#told = undefined;
        this.#open();
    }
    setKey(key) {
        this.#key = key;
    }
    wake() {
        const isSilent = this.#state.phase === 'open' && Date.now() - this.#heardAt > SILENCE_MS / 2;
        if (isSilent || (this.#state.phase === 'waiting' && this.#told === undefined))
            this.#open();
    }
    bye() {
        this.#isLeaving = true;
        if (this.#state.phase === 'open')
            this.#send('bye', {});
        else
            this.close();
    }
    close() {
        this.#isLeaving = true;
        this.#detach(NORMAL);
        this.#end(NORMAL, '');
    }
    sendAudio(bytes) {
        if (this.#state.phase === 'closed')
            return false;
        const isTaken = this.#audio.add(bytes);
        this.#pump();
        return isTaken;
    }
    startAudio() {
        this.#mark('audio_start');
    }
    endAudio() {
        this.#mark('audio_end');
    }
    sendText(text) {
        return this.#send('text', { text });
    }
    interrupt(heardMs) {
        return this.#send('interrupt', heardMs === undefined ? {} : { heard_ms: Math.round(heardMs) });
    }
    confirm(callId, approve) {
        return this.#send('confirm', { call_id: callId, approve });
    }
    update({ voice, task, ...options }) {
        const later = { ...(voice === undefined ? {} : { voice }), ...(task === undefined ? {} : { task }) };
        this.#options = { ...this.#options, ...options };
        this.#later = { ...this.#later, ...later };
        this.#send('session_update', { ...options, ...later });
    }
    forget(name) {
        const { [name]: _, ...others } = this.#options;
        this.#options = others;
    }
    ping(t) {
        return this.#send('ping', { t });
    }
    #mark(type) {
        if (this.#state.phase === 'closed')
            return;
        this.#audio.addMark(JSON.stringify({ type }));
        this.#pump();
    }
    #send(type, data) {
        if (this.#state.phase !== 'open' || this.#socket?.readyState !== 1)
            return false;
        this.#write(this.#socket, { type, data });
        return true;
    }
    #write(socket, frame) {
        socket.send(JSON.stringify(frame));
        this.#emit('sent', frame);
    }
    #pump() {
        clearTimeout(this.#pumping);
        while (this.#state.phase === 'open' && this.#socket?.readyState === 1 && this.#audio.hasUnsent) {
            if (this.#socket.bufferedAmount > HIGH_WATER_BYTES) {
                this.#pumping = setTimeout(() => this.#pump(), PUMP_MS);
                return;
            }
            const next = this.#audio.next();
            this.#socket.send(next);
            if (typeof next === 'string')
                this.#emit('sent', { data: {}, ...JSON.parse(next) });
        }
    }
    #open() {
        this.#detach(AWAY);
        this.#fault = undefined;
        this.#set({ phase: 'connecting' });
        const url = addressAt(this.#config.url, this.#replica);
        this.#replica = undefined;
        const socket = new (this.#config.WebSocket ?? WebSocket)(url, subprotocolsFor(this.#key));
        this.#socket = socket;
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => this.#introduce(socket);
        socket.onmessage = ({ data }) => this.#take(data);
        socket.onclose = ({ code, reason }) => this.#lose(code, reason);
        this.#expect(OPENING_MS, 'the server does not answer');
    }
    #introduce(socket) {
        const resume = this.#token === undefined ? {} : { resume: { token: this.#token, last_seq: this.#lastSeq } };
        this.#write(socket, { type: 'connection_request', data: { ...this.#options, ...resume } });
    }
    #expect(ms, otherwise) {
        clearTimeout(this.#deadline);
        this.#deadline = setTimeout(() => this.#lose(ABNORMAL, otherwise), ms);
    }
    #detach(code) {
        for (const timer of [this.#deadline, this.#retry, this.#pumping])
            clearTimeout(timer);
        const socket = this.#socket;
        this.#socket = undefined;
        if (socket === undefined)
            return;
        socket.onopen = socket.onmessage = socket.onclose = null;
        if (socket.readyState < 2)
            socket.close(code);
    }
    #lose(code, reason) {
        const wasStable = this.#state.phase === 'open' && Date.now() - this.#openedAt >= (this.#config.policy ?? DEFAULT_POLICY).stableMs;
        this.#detach(AWAY);
        if (wasStable)
            this.#tries = 0;
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
        this.#set({ phase: 'waiting', code, reason: why, retryAt: Date.now() + afterMs });
    }
    #end(code, reason) {
        if (code === NORMAL)
            this.#token = undefined;
        this.#audio.clear();
        this.#set({ phase: 'closed', code, reason });
    }
    #take(frame) {
        this.#heardAt = Date.now();
        if (this.#state.phase === 'open')
            this.#expect(SILENCE_MS, 'no sign of the server');
        if (typeof frame !== 'string') {
            if (this.#speech !== undefined)
                this.#emit('speech_audio', { ...this.#speech, data: frame });
            return;
        }
        const event = parsed(frame);
        if (event === undefined) {
            this.#lose(MISTAKE, 'the server speaks another protocol');
            return;
        }
        this.#remember(event);
        this.#emit('frame', event);
        this.#emit(event.type, event.data);
    }
    #remember({ type, seq, data }) {
        if (seq !== undefined)
            this.#lastSeq = Math.max(this.#lastSeq, seq);
        const event = { [type]: data };
        if (event.connection_accepted)
            this.#accept(event.connection_accepted, seq ?? 0);
        if (event.audio_ack)
            this.#audio.acknowledge(event.audio_ack.samples);
        if (event.speech_audio_start)
            this.#speech = event.speech_audio_start;
        if (event.error?.fatal)
            this.#fault = event.error.message;
        if (event.connection_refused) {
            this.#told = { afterMs: event.connection_refused.retry_after_ms, reason: event.connection_refused.reason };
        }
        if (event.going_away) {
            this.#token = event.going_away.resume_token;
            this.#replica = undefined;
            this.#told = { afterMs: event.going_away.retry_after_ms, reason: event.going_away.reason };
        }
    }
    #accept(accepted, seq) {
        const isAnother = this.#token !== undefined && !accepted.resumed;
        this.#token = accepted.resume_token;
        this.#replica = accepted.server?.replica;
        this.#accepted = accepted;
        this.#told = undefined;
        this.#openedAt = Date.now();
        if (accepted.resumed)
            this.#audio.resumeAt(accepted.received_samples);
        else
            this.#begin(seq, isAnother);
        this.#set({ phase: 'open' });
        this.#expect(SILENCE_MS, 'no sign of the server');
        if (!accepted.resumed && Object.keys(this.#later).length > 0)
            this.#send('session_update', this.#later);
        this.#pump();
    }
    #begin(seq, isAnother) {
        this.#lastSeq = seq;
        this.#speech = undefined;
        if (isAnother)
            this.#audio.clear();
    }
    #set(state) {
        this.#state = state;
        this.#emit('connection_state', state);
    }
    #emit(type, data) {
        for (const listener of [...(this.#listeners.get(type) ?? [])])
            listener(data);
    }
}
export function addressAt(url, replica) {
    if (replica === undefined)
        return url;
    return `${url}${url.includes('?') ? '&' : '?'}at=${encodeURIComponent(replica)}`;
}
export function subprotocolsFor(key) {
    if (key === undefined)
        return [];
    const bytes = String.fromCharCode(...new TextEncoder().encode(key));
    return ['sayso.v1', `sayso.key.${btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`];
}
function parsed(frame) {
    try {
        const { type, seq, data = {} } = JSON.parse(frame);
        return typeof type === 'string' ? { type, ...(typeof seq === 'number' ? { seq } : {}), data } : undefined;
    }
    catch {
        return undefined;
    }
}
