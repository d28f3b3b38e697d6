import assert from 'node:assert/strict';
import {test} from 'node:test';
import {BY_CLOSE_CODE} from '../../../web/client/index.js';
import {foundCommands} from '../../../web/talk/dialogs.js';
import {commandLanguage, languageFor, LANGUAGES} from '../../../web/talk/texts.js';
import {texts as de} from '../../../web/talk/texts/de.js';
import {texts as en} from '../../../web/talk/texts/en.js';
import {refusalBy, troubleOf} from '../../../web/talk/trouble.js';
import {argumentsText} from '../../../web/talk/turn.js';
import {exampleSentences} from '../../../web/talk/view.js';

const TEXTS = {en, de};
const OPEN = {phase: 'open'};
const kind = (connection, more = {}) => troubleOf({connection, ...more})?.kind;

function shape(value) {
  if (Array.isArray(value)) return value.map(shape);
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)])) : typeof value;
}

// --- sentences ---

test('every language has every sentence', () => {
  for (const texts of Object.values(TEXTS)) assert.deepEqual(shape(texts), shape(TEXTS.en));
});

test('the page speaks the wanted language, else one of the browser’s, else English', () => {
  assert.equal(languageFor('de', ['en']), 'de');
  assert.equal(languageFor(undefined, ['fr-FR', 'de-AT', 'en']), 'de');
  assert.equal(languageFor(undefined, ['fr']), 'en');
  assert.equal(languageFor('xx', []), 'en');
  assert.deepEqual(Object.keys(LANGUAGES).map((code) => TEXTS[code].code), Object.keys(LANGUAGES));
});

// --- trouble ---

test('each trouble has words in every language, and each action a name', () => {
  const closed = Object.keys(BY_CLOSE_CODE).map((code) => ({phase: 'closed', code: Number(code), reason: ''}));
  const waiting = [1006, 1012, 1013, 4029].map((code) => ({phase: 'waiting', code, reason: '', retryAt: 1}));
  const found = [...closed, ...waiting].map((connection) => troubleOf({connection}));
  for (const {kind: name, action} of found) {
    for (const texts of Object.values(TEXTS)) {
      assert.equal(texts.troubles[name].length, 2, name);
      assert.equal(typeof texts[action], name === 'key' ? 'undefined' : 'string', action);
    }
  }
});

test('a lost connection says why, and when the next try is', () => {
  assert.equal(kind({phase: 'waiting', code: 1006, reason: '', retryAt: 7}), 'away');
  assert.equal(kind({phase: 'waiting', code: 1012, reason: 'deploy', retryAt: 7}), 'leaving');
  assert.deepEqual(troubleOf({connection: {phase: 'waiting', code: 1013, reason: 'all places are taken', retryAt: 7}}),
    {kind: 'full', reason: 'all places are taken', retryAt: 7, action: 'tryNow'});
});

test('a takeover, a rest and an end are told apart', () => {
  const kinds = [4090, 4008, 1000, 1008].map((code) => kind({phase: 'closed', code, reason: ''}));
  assert.deepEqual(kinds, ['replaced', 'idle', 'ended', 'trouble']);
});

test('the first connection is no trouble, one that comes back is', () => {
  assert.equal(kind({phase: 'connecting'}), undefined);
  assert.equal(kind({phase: 'connecting'}, {isAway: true}), 'away');
});

test('a missing key is told before the lost connection that follows from it', () => {
  assert.equal(kind({phase: 'waiting', code: 1006, reason: '', retryAt: 7}, {refusal: 'key'}), 'key');
  assert.equal(kind(OPEN, {refusal: 'key'}), undefined);
  assert.deepEqual([401, 403, 421, 200, 503].map((status) => refusalBy(status)), ['key', 'elsewhere', 'elsewhere', undefined, undefined]);
  assert.equal(refusalBy(403, true), undefined);
});

test('a microphone that is missing is a trouble of an open connection', () => {
  for (const problem of ['insecure', 'unsupported', 'denied', 'none', 'busy', 'unplugged']) {
    assert.equal(kind(OPEN, {microphoneProblem: problem}), problem);
    for (const texts of Object.values(TEXTS)) assert.ok(texts.troubles[problem]);
  }
});

// --- what can be said ---

const command = (intent, server, tool, language, ...samples) => ({intent, server, tool, language, samples});
const COMMANDS = [
  command('Light', 'home', 'turn_on', 'en', 'turn on the light', 'light on'), command('Heat', 'home', 'heat', 'en', 'make it warm'),
  command('Door', 'home', 'lock', 'en', 'lock the door'), command('Time', 'sayso-tools', 'get_time', 'en', 'what time is it'),
  command('Note', 'sayso-tools', 'add_note', 'en', 'note that …'), command('Zeit', 'sayso-tools', 'get_time', 'de', 'wie spät ist es'),
];

test('the examples are some of the user’s own commands and some that work everywhere, in one language', () => {
  assert.deepEqual(exampleSentences(COMMANDS, 'en'), ['turn on the light', 'make it warm', 'what time is it', 'lock the door']);
  assert.deepEqual(exampleSentences(COMMANDS, 'de'), ['wie spät ist es']);
  assert.deepEqual(exampleSentences([], 'en'), []);
});

test('commands are found by any of their sentences', () => {
  assert.deepEqual(foundCommands(COMMANDS, 'en', 'LIGHT ON').map(({intent}) => intent), ['Light']);
  assert.equal(foundCommands(COMMANDS, 'en', '').length, 5);
});

test('the commands shown are those of the spoken language, else of the page', () => {
  const listed = {languages: ['de', 'en']};
  assert.deepEqual([commandLanguage(listed, 'de-AT', 'en'), commandLanguage(listed, undefined, 'de'), commandLanguage(listed, 'fr', 'fr')], ['de', 'de', 'en']);
});

test('arguments are shown as words, nested ones as JSON', () => {
  assert.equal(argumentsText({room: 'kitchen', level: 3, more: {a: [1]}}), 'room: kitchen, level: 3, more: {"a":[1]}');
});
