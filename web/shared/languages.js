/** Which language a page is in. */

/** Return the code of the wanted language, else of the first of `preferred` that is a key of `all`, else of English. */
export function languageIn(all, wanted, preferred) {
  const codes = [wanted ?? '', ...preferred].map((code) => code.slice(0, 2).toLowerCase());
  return codes.find((code) => Object.hasOwn(all, code)) ?? 'en';
}
