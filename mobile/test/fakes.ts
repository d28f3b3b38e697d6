/** What the app talks to, played by the test: the server's socket, its pages, the device's sound, the phone. */

import {MicrophoneError, type AudioListeners, type AudioPort, type MicrophoneProblem, type MicrophoneRequest} from '../src/audio/port.ts';
import type {Phone} from '../src/device/phone.ts';
import type {Storage, StoredName} from '../src/device/storage.ts';
import type {Feedback} from '../src/model/activity.ts';
import type {AudioRoute} from '../src/model/duplex.ts';
import {AppModel, type AppConfig} from '../src/state/app.ts';
import type {Fetch} from '../src/state/server-api.ts';

type Frame = {type: string; data?: Record<string, unknown>};

/** A WebSocket without a network. */
export class FakeSocket {
  static opened: FakeSocket[] = [];
  readonly sent: (Frame | Uint8Array)[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = 'blob';
  closedWith: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((message: {data: unknown}) => void) | null = null;
  onclose: ((event: {code: number; reason: string}) => void) | null = null;
  #seq = 0;

  constructor(readonly url: string, readonly protocols: string[]) {
    FakeSocket.opened.push(this);
  }

  static get last(): FakeSocket {
    const found = FakeSocket.opened.at(-1);
    if (found === undefined) throw new Error('no socket was opened');
    return found;
  }

  send(frame: string | Uint8Array): void {
    if (this.readyState !== 1) throw new Error('the socket is not open');
    this.sent.push(typeof frame === 'string' ? (JSON.parse(frame) as Frame) : frame);
  }

  close(code: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  // --- what the server does ---

  tell(type: string, data: object = {}): void {
    this.#seq += 1;
    this.onmessage?.({data: JSON.stringify({type, data, seq: this.#seq})});
  }

  accept(data: object = {}): void {
    this.readyState = 1;
    this.onopen?.();
    this.tell('connection_accepted', {
      session_id: 's', resume_token: 'token', resume_window_s: 30, resumed: false, received_samples: 0, protocol: 1,
      server: {name: 'sayso', version: '0.2.0'}, ...data,
    });
  }

  speak(samples: number): void {
    this.onmessage?.({data: new ArrayBuffer(2 * samples)});
  }

  drop(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({code, reason});
  }

  // --- what the app has sent ---

  get events(): Frame[] {
    return this.sent.filter((frame) => !(frame instanceof Uint8Array)) as Frame[];
  }

  get audio(): number[] {
    return this.sent.flatMap((frame) => (frame instanceof Uint8Array ? [...frame] : []));
  }
}

export const WebSocketOfTests = FakeSocket as unknown as typeof WebSocket;

export class FakeAudio implements AudioPort {
  cancelsEcho = false;
  route: AudioRoute = 'loudspeaker';
  heardMs = 0;
  /** What opening the microphone meets. */
  problem: MicrophoneProblem | undefined;
  /** Keep the permission's question open until `answer` is called. */
  answer: (() => void) | undefined;
  isAsking = false;
  microphone: MicrophoneRequest | undefined;
  readonly done: string[] = [];

  constructor(readonly listeners: AudioListeners) {}

  async openMicrophone(request: MicrophoneRequest): Promise<void> {
    if (this.isAsking) await new Promise<void>((resolve) => (this.answer = resolve));
    if (this.problem !== undefined) throw new MicrophoneError(this.problem);
    this.microphone = request;
    this.done.push('open');
  }

  async closeMicrophone(): Promise<void> {
    if (this.microphone !== undefined) this.done.push('close');
    this.microphone = undefined;
  }

  startSpeech(rateHz: number): void {
    this.done.push(`start ${rateHz}`);
  }

  play(pcm: ArrayBuffer): void {
    this.done.push(`play ${pcm.byteLength}`);
    this.listeners.onPlaying(true);
  }

  flush(): void {
    this.done.push('flush');
    this.listeners.onPlaying(false);
  }

  duck(): void {
    this.done.push('duck');
  }

  unduck(): void {
    this.done.push('unduck');
  }

  close(): void {
    this.done.push('closed');
  }

  // --- what the device does ---

  hear(...values: number[]): void {
    this.microphone?.onFrame(Uint8Array.from(values), 0.5);
  }

  finish(): void {
    this.listeners.onPlaying(false);
  }
}

export class FakePhone implements Phone {
  readonly felt: Feedback[] = [];
  setOnline: (isOnline: boolean) => void = () => undefined;
  toFront: (isInFront: boolean) => void = () => undefined;
  open: (link: string) => void = () => undefined;
  settingsOpened = 0;

  feel(feedback: Feedback): void {
    this.felt.push(feedback);
  }

  onOnline(listener: (isOnline: boolean) => void): () => void {
    this.setOnline = listener;
    return () => undefined;
  }

  onFront(listener: (isInFront: boolean) => void): () => void {
    this.toFront = listener;
    return () => undefined;
  }

  onLink(listener: (link: string) => void): () => void {
    this.open = listener;
    return () => undefined;
  }

  openSettings(): void {
    this.settingsOpened += 1;
  }
}

export class FakeStorage implements Storage {
  isBroken = false;

  constructor(readonly kept: Partial<Record<StoredName, string>> = {}) {}

  async read(name: StoredName): Promise<string | null> {
    return this.kept[name] ?? null;
  }

  async write(name: StoredName, value: string): Promise<void> {
    if (this.isBroken) throw new Error('the keystore is locked');
    this.kept[name] = value;
  }
}

export type Page = {status?: number; body?: unknown; text?: string} | Error | 'never';

/** The server's pages by their address, without the query; what is not listed cannot be reached. */
export class FakePages {
  readonly asked: {url: string; key: string | undefined}[] = [];

  constructor(readonly pages: Record<string, Page>) {}

  readonly fetch: Fetch = async (input, init) => {
    const url = String(input);
    const key = (init?.headers as Record<string, string> | undefined)?.['authorization'];
    this.asked.push({url, key});
    const page = this.pages[url.split('?')[0]!] ?? new TypeError('Network request failed');
    if (page === 'never') return new Promise<Response>(() => undefined);
    if (page instanceof Error) throw page;
    const {status = 200, body, text = JSON.stringify(body)} = page;
    return {status, text: async () => text} as Response;
  };
}

export const SERVER = {url: 'ws://192.168.0.7:8000/ws', key: 'sayso_abc', fingerprint: undefined};
export const COMMANDS = {
  languages: ['en'],
  commands: [
    {language: 'en', intent: 'GetTime', server: 'sayso-tools', tool: 'get_time', samples: ['what time is it', 'tell me the time']},
    {language: 'en', intent: 'Note', server: 'sayso-tools', tool: 'add_note', samples: ['take a note …']},
  ],
};
export const GOOD_PAGES: Record<string, Page> = {
  'http://192.168.0.7:8000/health': {body: {status: 'healthy'}},
  'http://192.168.0.7:8000/api/commands': {body: COMMANDS},
};

export interface World {
  app: AppModel;
  audio: () => FakeAudio;
  phone: FakePhone;
  storage: FakeStorage;
  pages: FakePages;
}

/** Open the app, on a phone on which a server is kept unless the test says otherwise. */
export async function opened(
  {server = SERVER as object | null, preferences = {}, pages = GOOD_PAGES}: {server?: object | null; preferences?: object; pages?: Record<string, Page>} = {},
): Promise<World> {
  FakeSocket.opened = [];
  const audios: FakeAudio[] = [];
  const phone = new FakePhone();
  const found = new FakePages(pages);
  const storage = new FakeStorage({
    ...(server === null ? {} : {'sayso.server': JSON.stringify(server)}), 'sayso.preferences': JSON.stringify(preferences),
  });
  const config: AppConfig = {
    storage, phone, fetch: found.fetch, WebSocket: WebSocketOfTests, random: () => 0.5,
    openAudio: (listeners) => {
      const audio = new FakeAudio(listeners);
      audios.push(audio);
      return audio;
    },
    notice: () => ({title: 'sayso listens', text: 'Say what you want done.', stop: 'Stop'}),
  };
  return {app: await AppModel.open(config), audio: () => audios.at(-1)!, phone, storage, pages: found};
}

/** Stop the clock; promises go on. */
export function fakeTime(): void {
  jest.useFakeTimers({now: 1_000_000, doNotFake: ['queueMicrotask', 'nextTick']});
}

/** Let promises that are ready go on; timers stay where they are. */
export async function settled(): Promise<void> {
  for (let at = 0; at < 50; at += 1) await Promise.resolve();
}
