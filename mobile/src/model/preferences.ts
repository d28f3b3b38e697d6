/** The user's choices, as they are kept on the phone; what is kept is read with care, field by field. Pure. */

import type {MicrophonePolicy} from './duplex.ts';

export interface Preferences {
  /** Names this phone to the server. */
  clientId: string;
  mode: 'hands_free' | 'push_to_talk';
  /** Language that is spoken; undefined is the server's setting. */
  language: string | undefined;
  /** Language of the app; undefined is the phone's. */
  appLanguage: string | undefined;
  /** Voice of the answers, speech model; undefined is the server's usual one. */
  voice: string | undefined;
  model: string | undefined;
  /** Wake word; undefined is the server's setting, '' none. */
  wake: string | undefined;
  speak: boolean;
  details: boolean;
  policy: MicrophonePolicy;
  /** Whether it goes on listening behind other apps, and with the screen off. */
  background: boolean;
  keepAwake: boolean;
  haptics: boolean;
  textSize: 'usual' | 'large' | 'largest';
  theme: 'automatic' | 'light' | 'dark';
}

const MAX_NAME = 200;

export const USUAL: Omit<Preferences, 'clientId'> = {
  mode: 'hands_free',
  language: undefined,
  appLanguage: undefined,
  voice: undefined,
  model: undefined,
  wake: undefined,
  speak: true,
  details: true,
  policy: 'automatic',
  background: false,
  keepAwake: true,
  haptics: true,
  textSize: 'usual',
  theme: 'automatic',
};

const isFlag = (value: unknown) => typeof value === 'boolean';
const isOneOf =
  (...values: string[]) =>
  (value: unknown) =>
    values.includes(value as string);
const isLanguage = (value: unknown) => typeof value === 'string' && /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/.test(value);
const isName = (value: unknown) => typeof value === 'string' && value.length <= MAX_NAME;

const IS_VALID: Readonly<Record<keyof Preferences, (value: unknown) => boolean>> = {
  clientId: (value) => typeof value === 'string' && /^phone-[a-z0-9]{4,16}$/.test(value),
  mode: isOneOf('hands_free', 'push_to_talk'),
  language: isLanguage,
  appLanguage: isLanguage,
  voice: isName,
  model: isName,
  wake: isName,
  speak: isFlag,
  details: isFlag,
  policy: isOneOf('automatic', 'always', 'never'),
  background: isFlag,
  keepAwake: isFlag,
  haptics: isFlag,
  textSize: isOneOf('usual', 'large', 'largest'),
  theme: isOneOf('automatic', 'light', 'dark'),
};

function parsed(stored: string | null): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(stored ?? '{}');
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Return the choices that were kept; what is missing or makes no sense is as usual, and a new phone gets a name. */
export function preferencesFrom(stored: string | null, random: () => number): Preferences {
  const good = Object.entries(parsed(stored)).filter(
    ([name, value]) => Object.hasOwn(IS_VALID, name) && IS_VALID[name as keyof Preferences](value),
  );
  const clientId = `phone-${Math.floor(random() * 36 ** 8)
    .toString(36)
    .padStart(8, '0')}`;
  return {clientId, ...USUAL, ...Object.fromEntries(good)};
}
