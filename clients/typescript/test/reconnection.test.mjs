import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {BY_CLOSE_CODE, DEFAULT_POLICY, waitMs} from '../../../web/client/index.js';

for (const code of [1000, 1002, 1007, 1008, 1009, 4008, 4090, 1003, 4999]) {
  test(`a connection that was closed with ${code} is not opened again`, () => {
    assert.equal(waitMs(code, undefined, 0, () => 0.5), undefined);
  });
}

test('waits are random up to a bound that doubles with each try and has an end', () => {
  const longest = [0, 1, 2, 10, 1_000].map((tries) => waitMs(1006, undefined, tries, () => 1));
  assert.deepEqual(longest, [500, 1_000, 2_000, DEFAULT_POLICY.longestMs, DEFAULT_POLICY.longestMs]);
  assert.equal(waitMs(1006, undefined, 5, () => 0), 0);
});

test('the wait that a full server names is kept, and a little is added', () => {
  assert.equal(waitMs(1013, 2_000, 0, () => 0), 2_000);
  assert.equal(waitMs(1013, 2_000, 0, () => 1), 2_500);
});

test('a server that is replaced and names no time is left alone for 5 to 30 s', () => {
  assert.deepEqual([0, 1].map((drawn) => waitMs(1012, undefined, 0, () => drawn)), [5_000, 30_000]);
});

test('every close code of the documentation is in the table', () => {
  const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('| close code |')).split('\n\n')[0];
  const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell]) => cell.split(',').map(Number));
  assert.ok(codes.length >= 10);
  for (const code of codes) assert.ok(code in BY_CLOSE_CODE, `${code} is missing`);
});
