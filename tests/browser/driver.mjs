// A browser for tests in Python: one JSON request a line on stdin, one JSON answer a line on stdout.
//
//     {"do": "open", "with": {"url": "http://127.0.0.1:8000/"}}    ->    {"done": null} or {"failed": "why"}
//
// One page at a time; `open` gives a fresh one, with nothing kept from the one before.
import {createInterface} from 'node:readline';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const LIMIT_MS = 60_000;
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run',
  '--disable-sync', '--disable-default-apps', '--disable-quic', '--use-fake-ui-for-media-stream',
];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser, context, page, requested, troubles, sockets;

const actions = {
  async launch({executable, wav}) {
    const microphone = wav === undefined ? [] : ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${wav}%noloop`];
    browser = await chromium.launch({executablePath: executable, args: [...QUIET, ...microphone]});
  },

  /** Open a page in a context of its own. */
  async open({url, width = 390, height = 844, scheme = 'light', locale = 'en-US', scale = 1, permissions = [], script, answers = {}, hasFakeSocket = false, hasFakeClock = false}) {
    await context?.close();
    const viewport = {width, height};
    context = await browser.newContext({viewport, locale, permissions, colorScheme: scheme, deviceScaleFactor: scale, reducedMotion: 'reduce'});
    if (script !== undefined) await context.addInitScript(script);
    page = await context.newPage();
    page.setDefaultTimeout(LIMIT_MS);
    [requested, troubles, sockets] = [[], [], []];
    for (const [path, json] of Object.entries(answers)) await page.route((url) => url.pathname === path, (route) => route.fulfill({json}));
    if (hasFakeClock) await page.clock.install();
    if (hasFakeSocket) await page.routeWebSocket((url) => url.pathname === '/ws', takeSocket);
    page.on('request', (request) => requested.push(request.url()));
    page.on('websocket', (socket) => requested.push(socket.url()));
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
    await page.goto(url);
  },

  /** Let time pass for a page with hasFakeClock: each timer that is due fires once, as after a sleep. */
  forward: ({ms}) => page.clock.fastForward(ms),

  /** Open another page in the same context, or go to one that is open, by number. */
  async tab({number, url}) {
    page = context.pages()[number] ?? (await context.newPage());
    page.setDefaultTimeout(LIMIT_MS);
    if (url !== undefined) await page.goto(url);
    await page.bringToFront();
  },

  click: ({selector}) => page.click(selector),
  fill: ({selector, text}) => page.fill(selector, text),
  choose: async ({label, value}) => void (await page.selectOption(`label:has-text("${label}") select`, value)),
  press: ({key}) => page.keyboard.press(key),
  down: ({key}) => page.keyboard.down(key),
  up: ({key}) => page.keyboard.up(key),
  async wait({selector, state = 'visible'}) {
    await page.waitForSelector(selector, {state});
  },
  text: ({selector}) => page.innerText(selector),
  count: ({selector}) => page.locator(selector).count(),
  evaluate: ({script}) => page.evaluate(script),
  async screenshot({path}) {
    await page.screenshot({path});
  },

  /** Return the faults that axe-core finds, and how far the page is wider than the window, in pixels. */
  async audit({rules}) {
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE); // by the debugger, past the page's policy
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const runOnly = rules.length > 0 ? {type: 'rule', values: rules} : {type: 'tag', values: tags};
    const {violations, passes} = await page.evaluate((only) => axe.run(document, {runOnly: only, resultTypes: ['violations']}), runOnly);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const faults = violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({target}) => target.join(' ')).join(', ')}`);
    return {faults, passed: passes.length, overflow};
  },

  scheme: ({scheme}) => page.emulateMedia({colorScheme: scheme}),
  seen: () => ({requested, troubles}),
  cookies: () => context.cookies(),

  // --- the other end of the page's WebSocket, with hasFakeSocket ---

  /** Wait until the page has sent a frame of a type by the socket of a number (the newest: -1), and return its data. */
  async heard({type, socket = -1, skip = 0}) {
    return until(() => sockets.at(socket)?.frames.filter((frame) => frame.type === type)[skip]?.data, `no ${type} came`);
  },

  /** Wait until the page has opened so many sockets. */
  opened: ({count}) => until(() => (sockets.length >= count ? true : undefined), `${count} sockets were not opened`),
  tell({frames, socket = -1}) {
    for (const frame of frames) sockets.at(socket).route.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  },

  /** Send a tone as an answer's audio: 16-bit mono at a rate. */
  tone({ms, rate, socket = -1}) {
    const samples = Int16Array.from({length: (ms * rate) / 1_000}, (_, at) => 10_000 * Math.sin((2 * Math.PI * 440 * at) / rate));
    sockets.at(socket).route.send(Buffer.from(samples.buffer));
  },
  close: ({code, reason = '', socket = -1}) => sockets.at(socket).route.close({code, reason}),
};

function takeSocket(route) {
  const socket = {route, frames: []};
  sockets.push(socket);
  route.onMessage((message) => {
    if (typeof message === 'string') socket.frames.push(JSON.parse(message));
    else socket.frames.push({type: 'audio', data: message.length});
  });
}

async function until(found, otherwise) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await new Promise((wake) => setTimeout(wake, 20))) {
    const value = found();
    if (value !== undefined) return value;
  }
  throw new Error(otherwise);
}

for await (const line of createInterface({input: process.stdin})) {
  const {do: action, with: given} = JSON.parse(line);
  try {
    console.log(JSON.stringify({done: (await actions[action](given)) ?? null}));
  } catch (error) {
    console.log(JSON.stringify({failed: `${action}: ${error.message}`}));
  }
}
await browser?.close();
