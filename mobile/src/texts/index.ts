/** The languages of the app. */

import {de} from './de.ts';
import {en, type Texts} from './en.ts';

export type {Texts} from './en.ts';
export const TEXTS: Readonly<Record<string, Texts>> = {en, de};

/** Return the phone's language, such as `de-AT`. */
function phoneLanguage(): string {
  return Intl.DateTimeFormat().resolvedOptions().locale;
}

/** Return the texts of the wanted language, else of the phone's, else English. */
export function textsFor(wanted: string | undefined, phone: string = phoneLanguage()): Texts {
  const codes = [wanted ?? '', phone].map((code) => code.slice(0, 2).toLowerCase());
  return TEXTS[codes.find((code) => Object.hasOwn(TEXTS, code)) ?? 'en'] ?? en;
}
