// Opens the page in Chromium with a fake microphone and prints, as one line of JSON, what hooks.js has measured.
//
//     node measure.mjs '{"url": "http://127.0.0.1:8000/", "executable": "/usr/bin/chromium", "wav": "x.wav", "turns": 20, "limitMs": 1}'
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const {url, executable, wav, turns, limitMs} = JSON.parse(process.argv[2]);
const {chromium} = createRequire(new URL('../../tests/browser/package.json', import.meta.url))('playwright-core');
const QUIET = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];
const browser = await chromium.launch({executablePath: executable, args: [...QUIET, `--use-file-for-fake-audio-capture=${wav}%noloop`]});
try {
  const context = await browser.newContext({permissions: ['microphone'], reducedMotion: 'reduce'});
  await context.addInitScript(readFileSync(new URL('hooks.js', import.meta.url), 'utf8'));
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('#state[data-state=ready]');
  await page.click('#talk');
  const isDone = (count) => [...globalThis.measured.values()].filter(({latency}) => latency !== undefined).length >= count;
  await page.waitForFunction(isDone, turns, {timeout: limitMs, polling: 200}).catch(() => undefined); // fewer are a result, too
  console.log(JSON.stringify(await page.evaluate(() => [...globalThis.measured.values()])));
} finally {
  await browser.close();
}
