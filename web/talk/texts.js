/** The languages of the page. A browser loads the sentences of one: each is a file of its own beside the page's script. */

import {languageIn} from '../shared/languages.js';

/** By the code of each language, its own name for itself. */
export const LANGUAGES = {en: 'English', de: 'Deutsch'};

/** Return the code of the wanted language, else of the first of the browser's languages that there is, else English. */
export const languageFor = (wanted, preferred = navigator.languages) => languageIn(LANGUAGES, wanted, preferred);

/** Return the language whose commands to show: the spoken one, else the page's, else the first there is. */
export function commandLanguage({languages}, spoken, page) {
  return [spoken?.slice(0, 2), page, 'en'].find((code) => languages.includes(code)) ?? languages[0];
}

/** Return the sentences of a language; rejects where they cannot be loaded. */
export async function loadTexts(code) {
  const {texts} = await import(new URL(`talk-${code}.js`, import.meta.url).href);
  return texts;
}
