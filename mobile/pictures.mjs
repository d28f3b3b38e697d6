// Pictures of the screens, of the web export in Chromium with a server that is played here: node pictures.mjs [folder]
//
// Needs `npm run web`, chromium, and playwright-core of ../tests/browser (npm ci there). It checks, too, that every screen is free of
// errors and of what axe-core finds, and no wider than the phone; it ends with 1 if not.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createServer} from 'node:http';
import {dirname, extname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const browserTools = createRequire(join(HERE, '..', 'tests', 'browser', 'package.json'));
const {chromium} = browserTools('playwright-core');
const AXE = readFileSync(browserTools.resolve('axe-core/axe.min.js'), 'utf8');
const ROOT = join(HERE, 'dist', 'web');
const TARGET = resolve(process.argv[2] ?? join(HERE, 'dist', 'pictures'));
const SERVER = 'ws://192.0.2.7:8000/ws';
const PAIRING = `sayso://pair?url=${encodeURIComponent('wss://192.0.2.8:8000/ws')}&key=sayso_abc&fingerprint=${'ab'.repeat(32)}`;
const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.png': 'image/png', '.json': 'application/json'};
const COMMANDS = [
  ['TurnOn', 'home', 'turn_on', 'turn on the kitchen light', 'switch the kitchen light on', 'light on in the kitchen'],
  ['OpenBlind', 'home', 'set_cover', 'open the blinds', 'raise the blinds in the bedroom'],
  ['GetTime', 'sayso-tools', 'get_time', 'what time is it', 'tell me the time'],
  ['SetTimer', 'sayso-tools', 'set_timer', 'set a timer for five minutes', 'start a pizza timer for ten minutes'],
  ['AddNote', 'sayso-tools', 'add_note', 'take a note …', 'note that …'],
  ['Calculate', 'sayso-tools', 'calculate', 'what is two plus three', 'how much is 20% of 50'],
].map(([intent, server, tool, ...samples]) => ({language: 'en', intent, server, tool, samples}));
const PAST = [
  ['turn on the kitchen light', 'The kitchen light is on.', 'done', 0], ['what time is it', 'It is 4:12 PM.', 'done', 900],
  ['unlock the front door', 'All right, I leave it locked.', 'refused', 4_000], ['tell me a story', 'Once upon a time there was', 'interrupted', 90_000],
  ['how much is 20% of 50', '20 percent of 50 is 10.', 'done', 91_000],
].map(([heard, replied, outcome, ago], at) => ({session_id: 's', turn_id: `${at}`, timestamp: Date.now() / 1_000 - ago, heard, replied, outcome}));
const VOICES = ['en_US-amy-medium', 'en_US-joe-medium', 'de_DE-thorsten-medium'].map((id) => ({id, name: id, language: id.slice(0, 2)}));
const MODELS = [['small', true], ['base', false], ['tiny', false]].map(([name, is_usual]) => ({name, is_usual, state: 'available'}));
const ACCEPTED = {
  session_id: 's', resume_token: 't', resume_window_s: 30, server: {name: 'sayso', version: '0.2.0'}, protocol: 1, resumed: false, received_samples: 0, wake_words: ['hey jarvis', 'okay nabu'],
  audio: {format: 'pcm_s16le', sample_rate: 16_000, channels: 1}, limits: {max_message_bytes: 1_000_000, max_utterance_s: 60, idle_timeout_s: 600},
};

let socket; // the last one that the page has opened
let seq = 0;
let isAway = false;
const say = (type, data = {}) => socket.send(JSON.stringify({type, seq: (seq += 1), data}));
const tool = (turn_id, name, given, content) => {
  const call = {turn_id, call_id: `${turn_id} ${name}`, server: 'home', tool: name};
  say('understood', {turn_id, source: 'command', confidence: 1, tool: name, arguments: given});
  say('tool_call', {...call, arguments: given});
  say('tool_result', {turn_id, call_id: call.call_id, ok: true, duration_ms: 34, content});
};
const latency_ms = {endpoint: 310, queue: 12, stt: 240, understand: 9, tool: 34, first_audio: 720, total: 2_300};

function firstTurn() {
  say('speech_started', {turn_id: '1', at_ms: 500});
  say('speech_stopped', {turn_id: '1', at_ms: 2_000, reason: 'silence'});
  say('transcript', {turn_id: '1', text: 'Turn on the kitchen light.', language: 'en', confidence: 0.97, audio: {start_ms: 500, end_ms: 2_000}});
  tool('1', 'turn_on', {name: 'kitchen light', brightness: 80}, 'kitchen light: on, 80%');
  say('reply', {turn_id: '1', text: 'The kitchen light is on.', truncated: false});
  say('turn_completed', {turn_id: '1', outcome: 'done', latency_ms});
}

function speaking() {
  say('speech_started', {turn_id: '2', at_ms: 5_000});
  say('speech_stopped', {turn_id: '2', at_ms: 6_000, reason: 'silence'});
  say('transcript', {turn_id: '2', text: 'What time is it?', language: 'en', confidence: 0.98, audio: {start_ms: 5_000, end_ms: 6_000}});
  tool('2', 'get_time', {}, '16:12');
  say('reply', {turn_id: '2', text: 'It is 4:12 PM.', truncated: false});
  say('speech_audio_start', {turn_id: '2', format: 'pcm_s16le', sample_rate: 22_050});
  socket.send(Buffer.from(new Int16Array(22_050 * 6).map((_, at) => 3_000 * Math.sin(at / 9)).buffer));
}

function asking() {
  say('understood', {turn_id: '3', source: 'command', confidence: 0.8, tool: 'unlock_door', arguments: {name: 'front door'}});
  const given = {name: 'front door', note: '<b>bold</b>'};
  say('confirm_request', {turn_id: '3', call_id: 'c', server: 'home', tool: 'unlock_door', arguments: given, say: 'Shall I unlock the front door?', expires_in_s: 20});
}

const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  try {
    const body = readFileSync(join(ROOT, path === '/' ? 'index.html' : decodeURIComponent(path)));
    response.writeHead(200, {'content-type': TYPES[extname(path)] ?? 'text/html'}).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required'],
});
const faults = [];
let page;

async function open({scheme = 'light', locale = 'en-US', kept = {url: SERVER, key: 'sayso_abc'}, preferences = {}} = {}) {
  await page?.context().close();
  [isAway, seq, socket] = [false, 0, undefined];
  const context = await browser.newContext({
    viewport: {width: 390, height: 844}, deviceScaleFactor: 2, colorScheme: scheme, locale, reducedMotion: 'reduce', permissions: ['microphone'],
  });
  await context.addInitScript(([one, two]) => {
    if (one !== 'null') localStorage.setItem('sayso.server', one);
    localStorage.setItem('sayso.preferences', two);
  }, [JSON.stringify(kept ?? null), JSON.stringify(preferences)]);
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => faults.push(`error: ${error}`));
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('net::ERR') && faults.push(`console: ${message.text().slice(0, 300)}`));
  await page.routeWebSocket(/\/ws$/, (one) => {
    if (isAway) return void one.close({code: 1013, reason: ''});
    socket = one;
    one.onMessage((frame) => typeof frame === 'string' && JSON.parse(frame).type === 'connection_request' && say('connection_accepted', ACCEPTED));
    return undefined;
  });
  const json = (body, status = 200) => (route) => route.fulfill({status, json: body, headers: {'access-control-allow-origin': '*', 'access-control-allow-headers': '*'}});
  await page.route('http://192.0.2.*/health', json({status: 'healthy'}));
  await page.route('http://192.0.2.*/api/commands', json({languages: ['de', 'en'], commands: COMMANDS, left_out: 0}));
  await page.route('http://192.0.2.*/api/conversations*', json({turns: PAST}));
  await page.route('http://192.0.2.*/v1/audio/voices', json({voices: VOICES}));
  await page.route('http://192.0.2.*/api/models', json({models: MODELS}));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForSelector('[role=tablist]');
}

async function picture(name) {
  await page.waitForTimeout(400); // until lists have settled
  await page.screenshot({path: join(TARGET, `${name}.png`)});
  await page.evaluate(AXE);
  const {violations} = await page.evaluate(() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}));
  for (const {id, help, nodes} of violations) faults.push(`${name}: ${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 160)).join(' | ')}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) faults.push(`${name}: ${wide} px wider than the window`);
}

const tab = (name) => page.click(`[role=tab][aria-label="${name}"]`);
const state = (words) => page.waitForSelector(`[data-testid=state]:text-is("${words}")`);

async function conversation(options) {
  await open(options);
  await state('Ready');
  await page.click('[data-testid=talk]');
  await state('Listening');
  firstTurn();
  await page.waitForTimeout(1_500); // some of the microphone's waves
}

mkdirSync(TARGET, {recursive: true});
await open();
await state('Ready');
await picture('talk-idle');
await conversation();
speaking();
await state('Speaking');
await picture('talk-speaking');
asking();
await page.waitForSelector('text=Shall I unlock the front door?');
await picture('talk-confirming');
await conversation({scheme: 'dark'});
speaking();
await state('Speaking');
await picture('talk-dark');
asking();
await page.waitForSelector('text=Shall I unlock the front door?');
await picture('talk-confirming-dark');
await conversation({preferences: {policy: 'never', mode: 'hands_free'}});
speaking();
await page.waitForSelector('text=Tap to interrupt');
await picture('talk-half-duplex');
await open();
await state('Ready');
firstTurn();
isAway = true;
await socket.close({code: 1012, reason: 'restarting'});
await state('Not connected');
await picture('talk-error');
await open({scheme: 'dark', kept: null});
await picture('server-new-dark');
await tab('Talk');
await picture('talk-no-server-dark');
await open();
await state('Ready');
await tab('History');
await page.waitForSelector('text=Today');
await picture('history');
await tab('Commands');
await page.waitForSelector('text=open the blinds');
await picture('commands');
await tab('Server');
await page.click('text=Test the connection');
await page.waitForSelector('text=A conversation can begin (sayso 0.2.0)');
await picture('server');
await page.fill('input[aria-label="Address, or pairing link"]', PAIRING);
await page.fill('input[aria-label="Address, or pairing link"]', 'http://192.0.2.7:99999');
await page.click('text=Use this server');
await picture('server-wrong-address');
await tab('Settings');
await picture('settings');
await page.locator('[aria-label="Wake word"]').scrollIntoViewIfNeeded();
await picture('settings-offers');
await open({locale: 'de-AT', scheme: 'dark', preferences: {textSize: 'largest', mode: 'push_to_talk'}});
await state('Bereit');
firstTurn();
await picture('talk-german-largest');
for (const name of ['Verlauf', 'Befehle', 'Server', 'Optionen']) {
  await tab(name);
  await picture(`german-${name.toLowerCase()}`);
}
await page.locator('[aria-label="Weckwort"]').scrollIntoViewIfNeeded();
await picture('german-optionen-angebot');
await browser.close();
server.close();
console.log(faults.length === 0 ? `pictures are in ${TARGET}` : faults.join('\n'));
process.exitCode = faults.length === 0 ? 0 : 1;
