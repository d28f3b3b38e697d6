/** Which language a page is in. */

/** Return the texts of the wanted language, else of the first of `preferred` that there is, else English. */
export function textsIn(all, wanted, preferred) {
  const codes = [wanted ?? '', ...preferred].map((code) => code.slice(0, 2).toLowerCase());
  return all[codes.find((code) => Object.hasOwn(all, code)) ?? 'en'];
}
