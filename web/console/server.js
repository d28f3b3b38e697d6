/**
 * What the page knows of the server, and what it asks of it: one stream, and the questions of the view that is open.
 *
 * Every change ends in `onChange`; the view never changes the state itself.
 */

import {exchanged, logIn, logOut} from '../shared/login.js';
import {loadPreferences, savePreferences} from '../shared/preferences.js';
import {EventParser} from './events.js';

const SILENT_MS = 10_000; // the stream has a snapshot a second
const WAIT_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
const KEPT = 200; // notices and turns, as in the server
export const SESSIONS_A_PAGE = 50;
export const RANGES = ['5m', '1h', '24h'];
export const VIEWS = ['overview', 'actors', 'sessions', 'turns', 'tools', 'notices'];

/** Return {view, id} of an address's hash, such as #sessions/0123. */
export function placeOf(hash) {
  const [view, id] = hash.replace(/^#\/?/, '').split('/');
  return VIEWS.includes(view) ? {view, id} : {view: VIEWS[0]};
}

/** Return what is in the way, by the status of an answer; undefined for one that is none. */
export function troubleBy(status, hasKey) {
  if (status === 401) return 'key';
  if (status === 403) return hasKey ? 'scope' : 'elsewhere';
  return {421: 'elsewhere', 429: 'often', 503: 'busy'}[status];
}

/** Return a list with what is new in it, by number; only the newest are kept. */
export function merged(kept, more) {
  const byNumber = new Map([...kept, ...more].map((one) => [one.number, one]));
  return [...byNumber.values()].sort((one, other) => one.number - other.number).slice(-KEPT);
}

export class Server {
  preferences = loadPreferences();
  place = placeOf(location.hash);
  /** connecting, live or lost. */
  phase = 'connecting';
  trouble;
  retryAt;
  status;
  access;
  notices = [];
  turns = [];
  range = RANGES[0];
  history;
  search = '';
  offset = 0;
  sessions;
  session;
  tools;
  models;
  /** Why the last key was not taken: the status of the answer, 0 without one. */
  loginFault;
  /** The answer to the last order: {words, isBad}. */
  told;
  #onChange;
  #abort = new AbortController();
  #failures = 0;
  #due = new Map();
  #wake;

  constructor(onChange) {
    this.#onChange = onChange;
  }

  start() {
    addEventListener('hashchange', () => this.#go());
    document.addEventListener('visibilitychange', () => this.#onVisibility());
    setInterval(() => this.#tick(), 1_000);
    void this.#listen();
  }

  // --- choices -----------------------------------------------------------------------------------

  choose(choices) {
    this.preferences = {...this.preferences, ...choices};
    savePreferences(this.preferences);
    this.#changed();
  }

  /** Exchange a key that the user has entered for a cookie. */
  async useKey(key) {
    const {user, status} = await logIn(key);
    this.loginFault = status;
    if (user === undefined) return this.#changed();
    this.choose({user});
    this.tryNow();
  }

  /** Give the cookie back. */
  async logOut() {
    if (!(await logOut())) return;
    this.access = undefined;
    this.choose({user: undefined});
    this.tryNow();
  }

  tryNow() {
    this.#failures = 0;
    this.#abort.abort();
    this.#wake?.();
  }

  chooseRange(range) {
    this.range = range;
    this.history = undefined;
    this.#ask('history');
    this.#changed();
  }

  find(search, offset = 0) {
    this.search = search;
    this.offset = offset;
    this.#ask('sessions');
    this.#changed();
  }

  // --- orders ------------------------------------------------------------------------------------

  /** Send an order; return whether the server took it. What it said is in `told`. */
  async order(path, body, words) {
    const {ok, page} = await this.#fetch(path, {method: 'POST', body: JSON.stringify(body ?? {}), headers: {'content-type': 'application/json'}});
    this.told = {words: ok ? words : (page?.error ?? ''), isBad: !ok};
    for (const name of ['models', 'tools']) this.#due.delete(name);
    this.#changed();
    return ok;
  }

  tell(words) {
    this.told = {words, isBad: false};
    this.#changed();
  }

  // --- the stream --------------------------------------------------------------------------------

  async #listen() {
    if (this.preferences.key !== undefined) this.choose(await exchanged(this.preferences));
    for (;;) {
      this.#abort = new AbortController();
      const {signal} = this.#abort;
      try {
        if (document.visibilityState === 'hidden') await new Promise((wake) => { this.#wake = wake; });
        const response = await fetch('api/status/stream', {cache: 'no-store', signal});
        this.trouble = response.ok ? undefined : (troubleBy(response.status, this.preferences.user !== undefined) ?? 'away');
        if (response.ok) await this.#read(response.body);
      } catch {
        this.trouble = 'away'; // or we have hung up ourselves
      }
      await this.#pause();
    }
  }

  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    let isFirst = true;
    for (;;) {
      const timer = setTimeout(() => this.#abort.abort(), SILENT_MS);
      const {value, done} = await reader.read().finally(() => clearTimeout(timer));
      if (done) break;
      for (const {event, data} of parser.push(value)) this.#take(event, JSON.parse(data));
      if (isFirst) this.#onOpen();
      isFirst = false;
    }
    this.trouble = this.status?.stopping ? 'leaving' : 'away';
  }

  #onOpen() {
    this.phase = 'live';
    this.#failures = 0;
    for (const name of ['access', 'notices', 'turns']) this.#ask(name);
    this.#due.clear();
    this.#tick();
  }

  #take(event, page) {
    if (event === 'status') {
      if (this.status !== undefined && page.uptime_s < this.status.uptime_s) [this.notices, this.turns] = [[], []]; // another process
      this.status = page;
    } else if (event === 'notice') this.notices = merged(this.notices, [page]);
    else if (event === 'turn') this.turns = merged(this.turns, [page]);
    this.#changed();
  }

  async #pause() {
    if (this.phase === 'live') this.phase = 'lost';
    const waitMs = WAIT_MS[Math.min(this.#failures++, WAIT_MS.length - 1)] * (0.5 + Math.random() / 2);
    this.retryAt = Date.now() + waitMs;
    this.#changed();
    await new Promise((wake) => {
      this.#wake = wake;
      if (this.trouble !== 'key') setTimeout(wake, waitMs);
    });
    this.retryAt = undefined;
    this.#changed();
  }

  #onVisibility() {
    if (document.visibilityState === 'hidden') this.#abort.abort(); // others may want the place
    else this.tryNow();
  }

  // --- questions ---------------------------------------------------------------------------------

  /** Ask what the view that is open shows, each question in its time. */
  #tick() {
    if (this.phase !== 'live') {
      this.#changed(); // a time runs down
      return;
    }
    const {view, id} = this.place;
    const wanted = {
      overview: [['history', this.range === '5m' ? 5_000 : 30_000], ['tools', 10_000]],
      sessions: [id === undefined ? ['sessions', 4_000] : ['session', 2_000]],
      tools: [['tools', 10_000], ['models', 5_000]],
    }[view] ?? [];
    for (const [name, everyMs] of wanted) {
      if ((this.#due.get(name) ?? 0) > Date.now()) continue;
      this.#due.set(name, Date.now() + everyMs);
      this.#ask(name);
    }
  }

  async #ask(name) {
    const {id} = this.place;
    const [search, offset, range] = [this.search, this.offset, this.range];
    const path = {
      access: 'api/access',
      notices: 'api/notices',
      turns: 'api/turns',
      history: `api/status/history?range=${range}`,
      sessions: `api/sessions?limit=${SESSIONS_A_PAGE}&offset=${offset}&search=${encodeURIComponent(search)}`,
      session: `api/sessions/${encodeURIComponent(id)}`,
      tools: 'api/tools',
      models: 'api/models',
    }[name];
    const {ok, status, page} = await this.#fetch(path);
    if (name === 'session') {
      if (id === this.place.id) this.session = ok ? page : status === 404 ? {id, isGone: true} : this.session;
    } else if (!ok) return;
    else if (name === 'notices' || name === 'turns') this[name] = merged(this[name], page[name]);
    else if (name === 'models') this.models = page.models;
    else if (name === 'sessions' && (search !== this.search || offset !== this.offset)) return;
    else if (name === 'history' && range !== this.range) return;
    else this[name] = page;
    this.#changed();
  }

  async #fetch(path, options = {}) {
    try {
      const response = await fetch(path, {cache: 'no-store', ...options, signal: AbortSignal.timeout(120_000)});
      const page = await response.json().catch(() => undefined);
      return {ok: response.ok, status: response.status, page};
    } catch {
      return {ok: false, status: 0}; // the stream finds out the same
    }
  }

  // --- changes -----------------------------------------------------------------------------------

  #go() {
    this.place = placeOf(location.hash);
    this.session = undefined;
    this.#due.clear();
    this.#tick();
    this.#changed();
    scrollTo(0, 0);
  }

  #changed() {
    this.#onChange();
  }
}
