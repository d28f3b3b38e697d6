/// <reference types="node" />
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {texts as page} from '../../../web/talk/texts/en.js';
import {TEXTS, textsFor, type Texts} from '../../src/texts/index.ts';

/** Return every text with its path; of one that takes an argument, what it makes of 7. */
function flat(texts: object, path = ''): [string, string][] {
  return Object.entries(texts).flatMap(([name, value]: [string, unknown]): [string, string][] => {
    const here = path === '' ? name : `${path}.${name}`;
    if (typeof value === 'function') return [[here, String((value as (given: unknown) => string)(7))]];
    return typeof value === 'object' && value !== null ? flat(value, here) : [[here, String(value)]];
  });
}

const SAME = new Set(['answer', 'version', 'took', 'tabs.server', 'server', 'outcomes.done', 'outcomes.no_speech', 'outcomes.refused']);
const BLANK = new Set(['outcomes.done', 'outcomes.no_speech', 'outcomes.refused']);

test('every text stands in every language', () => {
  const names = Object.values(TEXTS).map((texts) => flat(texts).map(([name]) => name));
  for (const found of names) expect(found).toEqual(names[0]);
});

test('no text is empty, or was left in English', () => {
  const english = new Map(flat(TEXTS['en']!));
  for (const [name, text] of flat(TEXTS['de']!)) {
    if (!BLANK.has(name)) expect([name, text.trim()]).not.toEqual([name, '']);
    if (!SAME.has(name)) expect([name, text]).not.toEqual([name, english.get(name)]);
  }
});

test('every trouble has a title and a help', () => {
  for (const texts of Object.values(TEXTS)) for (const trouble of Object.values(texts.troubles)) expect(trouble).toHaveLength(2);
});

test.each([[undefined, 'de-AT', 'de'], [undefined, 'fr', 'en'], ['de', 'en-US', 'de'], ['xx', 'de', 'de'], ['toString', '', 'en']])(
  'the language of %p on a phone in %p is %s', (wanted, phone, code) => {
    expect(textsFor(wanted, phone).code).toBe(code);
  },
);

test('every text of the app itself is used', () => {
  const folder = join(__dirname, '..', '..', 'src');
  const files = readdirSync(folder, {recursive: true, encoding: 'utf8'}).filter((name) => /\.tsx?$/.test(name) && !name.startsWith('texts'));
  const source = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const own = (Object.keys(TEXTS['en']!) as (keyof Texts)[]).filter((name) => TEXTS['en']![name] !== page[name as keyof typeof page]);
  const unused = own.filter((name) => !new RegExp(`\\b${name}\\b`).test(source));
  expect(unused).toEqual([]);
});
