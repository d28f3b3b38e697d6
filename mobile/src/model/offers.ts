/** What of a server may be chosen: its voices, speech models and wake words. Pure. */

import type {events} from '@sayso/client';
import type {Preferences} from './preferences.ts';

export interface Voice {
  id: string;
  name: string;
}

/** The lists of a server, the usual one first; a list that is not to be had is empty, and nothing of it is offered. */
export interface Offers {
  voices: readonly Voice[];
  models: readonly string[];
}

export const NO_OFFERS: Offers = {voices: [], models: []};

type Choices = Pick<Preferences, 'voice' | 'model' | 'wake'>;
type Wanted = Pick<events.SessionUpdate, 'voice' | 'stt_model' | 'wake'>;

function entries(page: unknown, name: 'voices' | 'models'): Record<string, unknown>[] {
  const listed = typeof page === 'object' && page !== null ? (page as Record<string, unknown>)[name] : undefined;
  return Array.isArray(listed) ? listed.filter((one) => typeof one === 'object' && one !== null) : [];
}

/** Return the voices in an answer to `GET /v1/audio/voices`. */
export function voicesOf(page: unknown): Voice[] {
  return entries(page, 'voices').flatMap(({id, name}) => (typeof id === 'string' ? [{id, name: typeof name === 'string' ? name : id}] : []));
}

/** Return the names of the speech models in an answer to `GET /api/models`, the usual one first. */
export function modelsOf(page: unknown): string[] {
  const named = entries(page, 'models').filter(({name}) => typeof name === 'string');
  const usual = named.filter(({is_usual}) => is_usual === true);
  return [...usual, ...named.filter((one) => !usual.includes(one))].map(({name}) => name as string);
}

/** Return what was chosen, as far as the server has it: what it has not could keep the session shut. */
export function wantedOf({voice, model, wake}: Choices, {voices, models}: Offers, wakeWords: readonly string[]): Wanted {
  return {
    ...(voice !== undefined && voices.some(({id}) => id === voice) ? {voice} : {}),
    ...(model !== undefined && models.includes(model) ? {stt_model: model} : {}),
    ...(wake !== undefined && (wake === '' || wakeWords.includes(wake)) ? {wake} : {}),
  };
}

/** Return what to ask for when these choices have changed; the usual one is the first of its list. */
export function updateFor(changed: Partial<Choices>, {voices, models}: Offers): Wanted {
  const voice = changed.voice ?? voices[0]?.id;
  const model = changed.model ?? models[0];
  return {
    ...('voice' in changed && voice !== undefined ? {voice} : {}),
    ...('model' in changed && model !== undefined ? {stt_model: model} : {}),
    ...(changed.wake === undefined ? {} : {wake: changed.wake}),
  };
}

/** Return the name of the choice that the server refuses, by the code of its error. */
export function refusedChoice(code: string): 'model' | 'wake' | 'language' | undefined {
  if (code === 'unknown_model') return 'model';
  if (code === 'unknown_wake_word') return 'wake';
  return code === 'bad_field' ? 'language' : undefined;
}
