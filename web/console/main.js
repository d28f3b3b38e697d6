/** Starts the console: draws it after each change, at most once in a frame. */

import {html, render} from '../vendor/preact-htm.js';
import {Server} from './server.js';
import {textsFor} from './texts.js';
import {App} from './view.js';

const root = document.getElementById('app');
let isDue = false;
const server = new Server(schedule);

function draw() {
  isDue = false;
  const texts = textsFor(server.preferences.pageLanguage);
  document.documentElement.lang = texts.code;
  document.title = `${texts.views[server.place.view]} – sayso`;
  render(html`<${App} server=${server} texts=${texts} />`, root);
}

function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

draw();
server.start();
