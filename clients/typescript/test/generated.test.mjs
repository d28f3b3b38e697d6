import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {generated} from '../generate.mjs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('the types are those that schema.json gives: else run `npm run generate`', () => {
  assert.equal(read('src/events.ts'), generated(JSON.parse(read('schema.json'))));
});
