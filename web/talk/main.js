/** Starts the page: draws it after each change, and gives it the keyboard. */

import {html, render} from '../vendor/preact-htm.js';
import {Talk} from './talk.js';
import {languageFor, loadTexts} from './texts.js';
import {App} from './view.js';

const TICK_MS = 500;
const root = document.getElementById('app');
let isDue = false;
let texts;
let loading;
const talk = new Talk(schedule);

function draw() {
  isDue = false;
  const code = languageFor(talk.preferences.pageLanguage);
  if (texts?.code !== code) void load(code);
  if (texts === undefined) return;
  document.documentElement.lang = texts.code;
  render(html`<${App} talk=${talk} texts=${texts} />`, root);
}

/** Load the sentences of a language, and draw with them; what is shown stays where they cannot be loaded. */
async function load(code) {
  if (loading === code) return;
  loading = code;
  try {
    texts = await loadTexts(code);
    schedule();
  } catch (error) {
    console.warn(error);
  } finally {
    loading = undefined;
  }
}

/** Draw once for all changes before the next picture. */
function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

/** Whether a key belongs to what has the focus: a field, a button, a dialog. */
const isTaken = ({target}) => target.closest('input, select, textarea, button:not(#talk), a, summary, dialog') !== null;

addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) talk.interrupt();
  if (event.key !== ' ' || talk.preferences.mode !== 'push_to_talk' || isTaken(event)) return;
  event.preventDefault();
  if (!event.repeat) void talk.press();
});
addEventListener('keyup', (event) => {
  if (event.key !== ' ' || talk.preferences.mode !== 'push_to_talk' || isTaken(event)) return;
  event.preventDefault(); // else the button that has the focus is clicked, too
  talk.release();
});
addEventListener('blur', () => talk.release());
setInterval(() => talk.isCounting && schedule(), TICK_MS);
draw();
talk.start();
