import {modelsOf, NO_OFFERS, refusedChoice, updateFor, voicesOf, wantedOf} from '../../src/model/offers.ts';
import {preferencesFrom} from '../../src/model/preferences.ts';

const OFFERS = {voices: [{id: 'amy', name: 'amy'}, {id: 'joe', name: 'joe'}], models: ['base', 'tiny']};
const NOTHING = {voice: undefined, model: undefined, wake: undefined};

test('the lists are read entry by entry, the usual model first', () => {
  expect(voicesOf({voices: [{id: 'amy', name: 'Amy'}, {id: 'joe'}, {name: 'no id'}, null, 7]})).toEqual([{id: 'amy', name: 'Amy'}, {id: 'joe', name: 'joe'}]);
  expect(modelsOf({models: [{name: 'tiny', is_usual: false}, {name: 'base', is_usual: true}, {is_usual: true}, 'x']})).toEqual(['base', 'tiny']);
});

test.each([null, undefined, [], 7, '<html>', {voices: {}, models: 'x'}])('of an answer that is no list (%j) nothing is offered', (page) => {
  expect([voicesOf(page), modelsOf(page)]).toEqual([[], []]);
});

test('only what the server has is asked for', () => {
  expect(wantedOf({voice: 'joe', model: 'tiny', wake: 'hey'}, OFFERS, ['hey'])).toEqual({voice: 'joe', stt_model: 'tiny', wake: 'hey'});
  expect(wantedOf({voice: 'gone', model: 'gone', wake: 'gone'}, OFFERS, ['hey'])).toEqual({});
  expect(wantedOf({...NOTHING, wake: ''}, NO_OFFERS, [])).toEqual({wake: ''});
  expect(wantedOf(NOTHING, OFFERS, ['hey'])).toEqual({});
});

test('the usual one is asked for by its name, the first of its list', () => {
  expect(updateFor(NOTHING, OFFERS)).toEqual({voice: 'amy', stt_model: 'base'});
  expect(updateFor({voice: 'joe', wake: ''}, OFFERS)).toEqual({voice: 'joe', wake: ''});
  expect(updateFor({voice: undefined, model: undefined}, NO_OFFERS)).toEqual({});
  expect(updateFor({}, OFFERS)).toEqual({});
});

test.each([['unknown_model', 'model'], ['unknown_wake_word', 'wake'], ['bad_field', 'language'], ['turn_failed', undefined]])(
  'the error %s is about: %s', (code, name) => {
    expect(refusedChoice(code)).toBe(name);
  },
);

test('a kept choice that is no name is as usual', () => {
  const kept = preferencesFrom(JSON.stringify({voice: 7, model: 'x'.repeat(201), wake: ''}), () => 0.5);
  expect(kept).toMatchObject({voice: undefined, model: undefined, wake: ''});
});
