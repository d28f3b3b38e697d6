/** The whole app behind its screens: which server, the choices, the conversation, and the server's lists. */

import type {ClientConfig} from '@sayso/client';
import type {ListeningNotice, OpenAudio} from '../audio/port.ts';
import type {Phone} from '../device/phone.ts';
import type {Storage, StoredName} from '../device/storage.ts';
import {failuresIn, feedbackFor} from '../model/activity.ts';
import {commandList, type CommandList} from '../model/commands.ts';
import {pastOf, pastPath, withPage, type Past} from '../model/history.ts';
import {modelsOf, voicesOf} from '../model/offers.ts';
import {preferencesFrom, type Preferences} from '../model/preferences.ts';
import type {Answer, Finding} from '../model/probe.ts';
import {AddressError, isPairingLink, pairedServer, socketUrl, type ServerEntry} from '../model/server-address.ts';
import {probe} from './prober.ts';
import {ask, type Fetch} from './server-api.ts';
import {Store} from './store.ts';
import {Talk} from './talk.ts';

/** What a list of the server is: not asked for, on its way, here, or why it is not. */
export type Loaded<Content> = {is: 'absent'} | {is: 'loading'} | {is: 'here'; content: Content} | {is: 'failed'} | {is: 'forbidden'};

export interface AppState {
  server: ServerEntry | undefined;
  /** Whether the server is kept for the next start; a phone may refuse. */
  isKept: boolean;
  /** What a pairing link offers; the user decides. */
  offered: ServerEntry | undefined;
  preferences: Preferences;
  /** The conversation, which begins anew with each server. */
  talk: Talk;
  commands: Loaded<CommandList>;
  past: Loaded<Past>;
  /** What the user has searched the server's history for. */
  pastWords: string;
  findings: readonly Finding[];
  isProbing: boolean;
}

export interface AppConfig {
  openAudio: OpenAudio;
  storage: Storage;
  phone: Phone;
  fetch: Fetch;
  notice: (preferences: Preferences) => ListeningNotice;
  WebSocket?: ClientConfig['WebSocket'];
  random?: () => number;
}

export class AppModel {
  readonly store: Store<AppState>;
  readonly phone: Phone;
  readonly #config: AppConfig;
  #isPaging = false;
  #ends: (() => void)[] = [];
  #unfollow: () => void = () => undefined;

  private constructor(config: AppConfig, server: ServerEntry | undefined, preferences: Preferences) {
    this.#config = config;
    this.phone = config.phone;
    const none = {
      commands: {is: 'absent'},
      past: {is: 'absent'},
      pastWords: '',
      findings: [],
      isProbing: false,
      offered: undefined,
      isKept: true,
    } as const;
    this.store = new Store<AppState>({server, preferences, talk: this.#newTalk(server, () => preferences), ...none});
  }

  /** Read what was kept, and begin. */
  static async open(config: AppConfig): Promise<AppModel> {
    const [server, preferences] = await Promise.all([config.storage.read('sayso.server'), config.storage.read('sayso.preferences')]);
    const app = new AppModel(config, serverFrom(server), preferencesFrom(preferences, config.random ?? Math.random));
    await app.#isWritten('sayso.preferences', app.store.get().preferences); // a new phone's name
    app.#begin();
    return app;
  }

  get talk(): Talk {
    return this.store.get().talk;
  }

  close(): void {
    this.#unfollow();
    for (const end of this.#ends) end();
    this.talk.close();
  }

  // --- what the user does ------------------------------------------------------------------------

  /**
   * Take what the user has typed, pasted or scanned: an address, or a pairing link, which brings its own key.
   *
   * Throws `AddressError`.
   */
  async enter(typed: string, key: string): Promise<void> {
    if (isPairingLink(typed)) return this.use(pairedServer(typed));
    const url = socketUrl(typed);
    const kept = this.store.get().server;
    await this.use({url, key: key.trim() === '' ? undefined : key.trim(), fingerprint: kept?.url === url ? kept.fingerprint : undefined});
  }

  /** Talk to this server from now on. */
  async use(server: ServerEntry): Promise<void> {
    this.#unfollow();
    this.talk.close();
    const talk = this.#newTalk(server, () => this.store.get().preferences);
    this.store.set({server, offered: undefined, talk, commands: {is: 'absent'}, past: {is: 'absent'}, pastWords: '', findings: []});
    this.#follow();
    talk.connect();
    void this.loadCommands();
    this.store.set({isKept: await this.#isWritten('sayso.server', server)});
  }

  /** Keep a pairing link until the user has said yes or no; return whether it is one. */
  offer(link: string): boolean {
    try {
      this.store.set({offered: pairedServer(link)});
      return true;
    } catch (error) {
      if (error instanceof AddressError) return false;
      throw error;
    }
  }

  async answerOffer(isWanted: boolean): Promise<void> {
    const {offered} = this.store.get();
    this.store.set({offered: undefined});
    if (isWanted && offered !== undefined) await this.use(offered);
  }

  choose(changed: Partial<Preferences>): void {
    this.#keep(changed);
    this.talk.choose(changed);
  }

  /** Test the server, and tell each step. */
  async test(): Promise<void> {
    const {server, isProbing} = this.store.get();
    if (server === undefined || isProbing) return;
    this.store.set({isProbing: true, findings: []});
    const {fetch, WebSocket} = this.#config;
    const config = {fetch, isOnline: this.talk.store.get().isOnline, ...(WebSocket === undefined ? {} : {WebSocket})};
    await probe(server, config, (finding) => this.#isFor(server) && this.store.set({findings: [...this.store.get().findings, finding]}));
    this.store.set({isProbing: false});
    if (this.talk.store.get().connection.phase !== 'open') this.talk.connect();
  }

  async loadCommands(): Promise<void> {
    const {commands} = this.store.get();
    if (commands.is !== 'here') this.store.set({commands: {is: 'loading'}});
    const loaded = await this.#load('api/commands', commandList);
    if (loaded !== undefined) this.store.set({commands: loaded.is === 'failed' && commands.is === 'here' ? commands : loaded});
  }

  /** Load what of the server may be chosen: its voices and speech models. */
  async loadOffers(): Promise<void> {
    const {talk} = this;
    const [voices, models] = await Promise.all([this.#load('v1/audio/voices', voicesOf), this.#load('api/models', modelsOf)]);
    if (talk === this.talk) talk.setOffers({voices: contentOf(voices), models: contentOf(models)});
  }

  /** Load the newest turns that the server keeps, those that hold all `words`. */
  async loadPast(words = this.store.get().pastWords): Promise<void> {
    if (this.store.get().past.is !== 'here') this.store.set({past: {is: 'loading'}});
    this.store.set({pastWords: words});
    const loaded = await this.#load(pastPath(words, undefined), pastOf);
    if (loaded !== undefined && words === this.store.get().pastWords) this.store.set({past: loaded});
  }

  /** Load the page behind the turns that are here. */
  async loadMorePast(): Promise<void> {
    const {past, pastWords} = this.store.get();
    if (this.#isPaging || past.is !== 'here' || past.content.next === undefined) return;
    this.#isPaging = true;
    const loaded = await this.#load(pastPath(pastWords, past.content.next), pastOf);
    this.#isPaging = false;
    if (loaded?.is !== 'here' || this.store.get().past !== past) return; // meanwhile another page, or none: it is asked for again
    this.store.set({past: {is: 'here', content: withPage(past.content, loaded.content)}});
  }

  // --- behind it ---------------------------------------------------------------------------------

  #newTalk(server: ServerEntry | undefined, preferences: () => Preferences): Talk {
    const {openAudio, notice, WebSocket, random} = this.#config;
    const now = () => (this.store === undefined ? preferences() : this.store.get().preferences);
    return new Talk({
      server,
      openAudio,
      preferences: now,
      notice: () => notice(now()),
      onSession: () => void this.loadOffers(),
      onRefused: (name) => this.#keep({[name]: undefined}),
      ...(WebSocket === undefined ? {} : {WebSocket}),
      ...(random === undefined ? {} : {random}),
    });
  }

  #begin(): void {
    const {phone} = this.#config;
    this.#ends = [
      phone.onOnline((isOnline) => this.talk.setOnline(isOnline)),
      phone.onFront((isInFront) => (isInFront ? void this.talk.toForeground() : this.talk.toBackground())),
      phone.onLink((link) => void this.offer(link)),
    ];
    this.#follow();
    this.talk.connect();
    if (this.store.get().server !== undefined) void this.loadCommands();
  }

  /** Let the phone be felt when the conversation changes, and load what a new connection makes possible. */
  #follow(): void {
    const {talk} = this;
    const seen = () => ({activity: talk.activity(Date.now()), failures: failuresIn(talk.store.get().conversation)});
    let before = seen();
    let {phase} = talk.store.get().connection;
    this.#unfollow = talk.store.subscribe(() => {
      const after = seen();
      const feedback = feedbackFor(before, after);
      before = after;
      if (feedback !== undefined && this.store.get().preferences.haptics) this.#config.phone.feel(feedback);
      const {connection} = talk.store.get();
      if (connection.phase === 'open' && phase !== 'open' && this.store.get().commands.is === 'failed') void this.loadCommands();
      ({phase} = connection);
    });
  }

  /** Return what the server has at a path; undefined if another server was chosen meanwhile. */
  async #load<Content>(path: string, read: (body: unknown) => Content | undefined): Promise<Loaded<Content> | undefined> {
    const {server} = this.store.get();
    if (server === undefined) return {is: 'absent'};
    const answer = await ask(this.#config.fetch, server, path);
    return this.#isFor(server) ? loaded(answer, read) : undefined;
  }

  /** Keep changed choices, also for the next start. */
  #keep(changed: Partial<Preferences>): void {
    this.store.set({preferences: {...this.store.get().preferences, ...changed}});
    void this.#isWritten('sayso.preferences', this.store.get().preferences);
  }

  #isFor(server: ServerEntry): boolean {
    return this.store.get().server === server;
  }

  /** Keep a value for the next start; return whether the phone has taken it. */
  async #isWritten(name: StoredName, value: object): Promise<boolean> {
    try {
      await this.#config.storage.write(name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}

function loaded<Content>(answer: Answer, read: (body: unknown) => Content | undefined): Loaded<Content> {
  if ('failed' in answer) return {is: 'failed'};
  if (answer.status === 401 || answer.status === 403) return {is: 'forbidden'};
  const content = answer.status === 200 ? read(answer.body) : undefined;
  return content === undefined ? {is: 'failed'} : {is: 'here', content};
}

/** Return a list of the server, empty where it is not to be had. */
function contentOf<Entry>(found: Loaded<readonly Entry[]> | undefined): readonly Entry[] {
  return found?.is === 'here' ? found.content : [];
}

/** Return the server that was kept; undefined if there is none, or what was kept is not one. */
export function serverFrom(stored: string | null): ServerEntry | undefined {
  try {
    const {url, key, fingerprint} = JSON.parse(stored ?? 'null') as Record<string, unknown>;
    if (typeof url !== 'string') return undefined;
    return {
      url: socketUrl(url),
      key: typeof key === 'string' ? key : undefined,
      fingerprint: typeof fingerprint === 'string' ? fingerprint : undefined,
    };
  } catch {
    return undefined;
  }
}
