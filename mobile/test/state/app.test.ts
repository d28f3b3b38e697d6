import type {Finding} from '../../src/model/probe.ts';
import {ask, DEADLINE_MS} from '../../src/state/server-api.ts';
import {serverFrom} from '../../src/state/app.ts';
import {Store} from '../../src/state/store.ts';
import {fakeTime, FakePages, FakeSocket, GOOD_PAGES, opened, SERVER, settled, type Page} from '../fakes.ts';

const PAGE = 'http://192.168.0.7:8000/api';
const LINK = 'sayso://pair?url=ws%3A%2F%2Fnas%3A8000%2Fws&key=sayso_new';

beforeEach(() => void fakeTime());
afterEach(() => void jest.useRealTimers());

test('a new phone has no server, connects to nothing, and gets a name that it keeps', async () => {
  const {app, storage, pages} = await opened({server: null});
  expect([FakeSocket.opened, pages.asked]).toEqual([[], []]);
  expect(app.talk.trouble()).toMatchObject({kind: 'no_server'});
  expect(JSON.parse(storage.kept['sayso.preferences']!)).toMatchObject({clientId: app.store.get().preferences.clientId});
  app.talk.connect();
  expect(FakeSocket.opened).toEqual([]);
});

test('an address that was typed is kept, and talked to', async () => {
  const {app, storage} = await opened({server: null});
  await app.enter('192.168.0.9', ' sayso_key ');
  expect(FakeSocket.last.url).toBe('ws://192.168.0.9:8000/ws');
  expect(JSON.parse(storage.kept['sayso.server']!)).toEqual({url: 'ws://192.168.0.9:8000/ws', key: 'sayso_key'});
  await expect(app.enter('no address', '')).rejects.toMatchObject({problem: 'host'});
  expect(app.store.get().server?.url).toBe('ws://192.168.0.9:8000/ws');
});

test('another server begins another conversation, and the old one is closed', async () => {
  const {app, audio} = await opened();
  FakeSocket.last.accept();
  const [first, before] = [FakeSocket.last, audio()];
  FakeSocket.last.tell('transcript', {turn_id: '1', text: 'hello', language: 'en'});
  await app.use({url: 'ws://nas:8000/ws', key: undefined, fingerprint: undefined});
  expect([first.closedWith, before.done.at(-1)]).toEqual([1000, 'closed']);
  expect(app.talk.store.get().conversation.turns).toEqual([]);
  expect(FakeSocket.last.url).toBe('ws://nas:8000/ws');
});

test('a pairing link that opens the app is offered, and changes nothing before the user has said yes', async () => {
  const {app, phone} = await opened();
  phone.open('https://example.org');
  phone.open('sayso://pair?url=javascript%3Ax');
  expect(app.store.get().offered).toBeUndefined();
  phone.open(LINK);
  expect(app.store.get()).toMatchObject({offered: {url: 'ws://nas:8000/ws'}, server: SERVER});
  await app.answerOffer(false);
  expect(app.store.get()).toMatchObject({offered: undefined, server: SERVER});
  phone.open(LINK);
  await app.answerOffer(true);
  expect(app.store.get()).toMatchObject({offered: undefined, server: {url: 'ws://nas:8000/ws', key: 'sayso_new'}});
});

test('a phone that cannot keep the server talks to it all the same, and says so', async () => {
  const {app, storage} = await opened({server: null});
  storage.isBroken = true;
  await app.enter(LINK, '');
  expect(FakeSocket.last.url).toBe('ws://nas:8000/ws');
  expect(app.store.get().isKept).toBe(false);
  app.choose({speak: false});
  await settled();
  expect(app.store.get().preferences.speak).toBe(false);
});

test.each([null, '', '{', 'null', '7', '{}', '{"url": 7}', '{"url": "ftp://x"}'])('what was kept and is no server (%p) is none', (stored) => {
  expect(serverFrom(stored)).toBeUndefined();
});

test('a fingerprint is kept with its address only', async () => {
  const {app} = await opened({server: {...SERVER, fingerprint: 'ab'}});
  await app.enter(SERVER.url, 'other');
  expect(app.store.get().server).toEqual({url: SERVER.url, key: 'other', fingerprint: 'ab'});
  await app.enter('nas', '');
  expect(app.store.get().server).toEqual({url: 'ws://nas:8000/ws', key: undefined, fingerprint: undefined});
});

// --- what the server offers ----------------------------------------------------------------------

const HTTP = 'http://192.168.0.7:8000';
const OFFERED: Record<string, Page> = {
  ...GOOD_PAGES,
  [`${HTTP}/v1/audio/voices`]: {body: {voices: [{id: 'amy', name: 'amy'}, {id: 'joe', name: 'joe'}]}},
  [`${HTTP}/api/models`]: {body: {models: [{name: 'tiny', is_usual: false}, {name: 'base', is_usual: true}]}},
};
const updates = () => FakeSocket.last.events.filter(({type}) => type === 'session_update').map(({data}) => data);

test('kept choices are asked for once the server has told what it has, and the newest with each change', async () => {
  const {app, storage} = await opened({pages: OFFERED, preferences: {voice: 'joe', model: 'gone', wake: 'hey'}});
  FakeSocket.last.accept({wake_words: ['hey', 'okay'], wake: 'okay'});
  await settled();
  expect(updates()).toEqual([{voice: 'joe', wake: 'hey'}]);
  app.choose({model: 'tiny'});
  app.choose({voice: undefined});
  app.choose({wake: ''});
  expect(updates().slice(1)).toEqual([{stt_model: 'tiny'}, {voice: 'amy'}, {wake: ''}]);
  await settled();
  expect(JSON.parse(storage.kept['sayso.preferences']!)).toMatchObject({model: 'tiny', wake: ''});
});

test('lists that are not to be had offer nothing, and a session goes on without them', async () => {
  const {app} = await opened({pages: {...GOOD_PAGES, [`${HTTP}/api/models`]: {status: 403, body: {}}}, preferences: {voice: 'joe'}});
  FakeSocket.last.accept();
  await settled();
  expect(app.talk.store.get().offers).toEqual({voices: [], models: []});
  expect(updates()).toEqual([]);
});

test('the lists are loaded for each new session, and not for one that was resumed', async () => {
  const {pages} = await opened({pages: OFFERED});
  FakeSocket.last.accept();
  await settled();
  FakeSocket.last.drop(1006);
  jest.advanceTimersByTime(30_000);
  FakeSocket.last.accept({resumed: true});
  await settled();
  expect(pages.asked.filter(({url}) => url.endsWith('/api/models'))).toHaveLength(1);
});

test('lists that come after another server was chosen are left out', async () => {
  const {app} = await opened({pages: OFFERED});
  FakeSocket.last.accept();
  await app.use({url: 'ws://nas:8000/ws', key: undefined, fingerprint: undefined});
  await settled();
  expect(app.talk.store.get().offers).toEqual({voices: [], models: []});
});

test('a choice that the server refuses is forgotten, also for the next connection', async () => {
  const {app, storage} = await opened({pages: OFFERED, preferences: {wake: 'hey'}});
  FakeSocket.last.accept({wake_words: ['hey']});
  await settled();
  FakeSocket.last.tell('error', {code: 'unknown_wake_word', message: 'there is none', fatal: false});
  FakeSocket.last.tell('error', {code: 'turn_failed', message: 'no', fatal: false});
  await settled();
  expect(app.store.get().preferences.wake).toBeUndefined();
  expect(JSON.parse(storage.kept['sayso.preferences']!)).not.toHaveProperty('wake');
  FakeSocket.last.drop(1006);
  jest.advanceTimersByTime(30_000);
  FakeSocket.last.accept();
  expect(FakeSocket.last.events[0]!.data).not.toHaveProperty('wake');
});

// --- lists ---------------------------------------------------------------------------------------

test('the commands are loaded with the key', async () => {
  const {app, pages} = await opened();
  await settled();
  expect(pages.asked).toEqual([{url: `${PAGE}/commands`, key: 'Bearer sayso_abc'}]);
  expect(app.store.get().commands).toMatchObject({is: 'here', content: {languages: ['en']}});
});

test('a list that failed is loaded again with the connection, and one that is here stays', async () => {
  const {app, pages} = await opened({pages: {}});
  await settled();
  expect(app.store.get().commands).toEqual({is: 'failed'});
  Object.assign(pages.pages, GOOD_PAGES);
  FakeSocket.last.accept();
  await settled();
  expect(app.store.get().commands.is).toBe('here');
  pages.pages[`${PAGE}/commands`] = new Error('gone');
  await app.loadCommands();
  expect(app.store.get().commands.is).toBe('here');
});

const TURN = {session_id: 's', turn_id: '1', timestamp: 1, heard: 'hello', replied: 'hi', outcome: 'done'};

test.each<[Page, object]>([
  [{body: {turns: [TURN], next: null}}, {is: 'here', content: {turns: [{heard: 'hello', at: 1_000}], next: undefined}}],
  [{status: 403, body: {error: 'the key is for something else'}}, {is: 'forbidden'}],
  [{status: 401, body: {}}, {is: 'forbidden'}],
  [{status: 500, text: 'oops'}, {is: 'failed'}],
  [{text: '<html>'}, {is: 'failed'}],
  [{body: []}, {is: 'failed'}],
  [new Error('Network request failed'), {is: 'failed'}],
])('a history of %j is %j', async (page, expected) => {
  const {app} = await opened({pages: {[`${PAGE}/conversations`]: page}});
  await app.loadPast();
  expect(app.store.get().past).toMatchObject(expected);
});

test('the history is read page by page, and searched by the server', async () => {
  const {app, pages} = await opened({pages: {[`${PAGE}/conversations`]: {body: {turns: [TURN], next: 'p2'}}}});
  await app.loadPast('kitchen');
  pages.pages[`${PAGE}/conversations`] = {body: {turns: [{...TURN, turn_id: '0'}], next: null}};
  await Promise.all([app.loadMorePast(), app.loadMorePast()]);
  expect(app.store.get().past).toMatchObject({content: {turns: [{id: 's 1'}, {id: 's 0'}], next: undefined}});
  await app.loadMorePast();
  expect(pages.asked.map(({url}) => url.split('?')[1]).filter((query) => query !== undefined)).toEqual(['limit=100&q=kitchen', 'limit=100&q=kitchen&after=p2']);
});

test('a page that comes after a search was begun is left out', async () => {
  const {app} = await opened({pages: {[`${PAGE}/conversations`]: {body: {turns: [TURN], next: 'p2'}}}});
  await app.loadPast();
  await Promise.all([app.loadPast('kitchen'), app.loadPast('light'), app.loadMorePast()]);
  expect(app.store.get()).toMatchObject({pastWords: 'light', past: {content: {turns: [{id: 's 1'}], next: 'p2'}}});
});

test('an answer of the old server does not fill the lists of the new one', async () => {
  const {app, pages} = await opened();
  await settled();
  const loading = app.loadPast();
  pages.pages['http://nas:8000/api/commands'] = 'never';
  await app.enter('nas', '');
  await loading;
  expect(app.store.get()).toMatchObject({past: {is: 'absent'}, commands: {is: 'loading'}});
});

test('a request ends after its deadline, in words', async () => {
  const asked = ask(new FakePages({'http://nas/x': 'never'}).fetch, {url: 'ws://nas/ws', key: undefined}, 'x');
  await jest.advanceTimersByTimeAsync(DEADLINE_MS);
  await expect(asked).resolves.toEqual({failed: 'timed out after 8 s'});
});

// --- the test of a server ------------------------------------------------------------------------

const problems = (findings: readonly Finding[]) => findings.map(({step, problem}) => [step, problem]);

test('a good server passes all steps, and the session of the test is ended', async () => {
  const {app} = await opened();
  FakeSocket.last.accept();
  const testing = app.test();
  void app.test(); // a second press
  await settled();
  FakeSocket.last.accept();
  await testing;
  expect(problems(app.store.get().findings)).toEqual([['reach', undefined], ['key', undefined], ['session', undefined]]);
  expect(app.store.get().findings[2]?.detail).toBe('0.2.0');
  expect(FakeSocket.last.closedWith).toBe(1000);
  expect(FakeSocket.opened).toHaveLength(2);
});

test.each<[Record<string, Page>, string, string]>([
  [{[`${PAGE}/commands`]: {status: 401, body: {}}}, 'key', 'wrong_key'],
  [{[`${PAGE}/commands`]: {status: 403, body: {}}}, 'key', 'wrong_scope'],
  [{'http://192.168.0.7:8000/health': {text: '<html>'}}, 'reach', 'not_sayso'],
  [{'http://192.168.0.7:8000/health': new Error('Connection refused')}, 'reach', 'refused'],
])('the first step that fails is the last: %j', async (pages, step, problem) => {
  const {app} = await opened({pages: {...GOOD_PAGES, ...pages}});
  await app.test();
  expect(problems(app.store.get().findings).at(-1)).toEqual([step, problem]);
  expect(app.store.get().isProbing).toBe(false);
});

test('where fetch has no words, the socket is asked what is wrong', async () => {
  const {app} = await opened({pages: {}});
  FakeSocket.last.drop(1006);
  const testing = app.test();
  await settled();
  FakeSocket.last.drop(1006, 'Trust anchor for certification path not found.');
  await testing;
  expect(app.store.get().findings).toEqual([{step: 'reach', problem: 'certificate', detail: 'Trust anchor for certification path not found.'}]);
});

test('a server with TLS that was reached without is named as such', async () => {
  const {app} = await opened({pages: {'https://192.168.0.7:8000/health': {body: {status: 'healthy'}}}});
  FakeSocket.last.drop(1006);
  const testing = app.test();
  await settled();
  FakeSocket.last.drop(1006);
  await testing;
  expect(problems(app.store.get().findings)).toEqual([['reach', 'wants_tls']]);
});

test('a session that is refused ends the test at once', async () => {
  const {app} = await opened();
  FakeSocket.last.accept();
  const testing = app.test();
  await settled();
  FakeSocket.last.drop(4001);
  await testing;
  expect(problems(app.store.get().findings).at(-1)).toEqual(['session', 'wrong_key']);
  jest.advanceTimersByTime(5_000);
  expect(FakeSocket.opened).toHaveLength(2); // the app's own, and that of the test
});

// --- stores --------------------------------------------------------------------------------------

test('a store tells of changes only, and to those who still listen', () => {
  const store = new Store({one: 1, two: 2});
  let told = 0;
  const end = store.subscribe(() => (told += 1));
  const before = store.get();
  store.set({one: 1});
  expect([told, store.get() === before]).toEqual([0, true]);
  store.set({two: 3});
  end();
  store.set({two: 4});
  expect([told, store.get()]).toEqual([1, {one: 1, two: 4}]);
});
