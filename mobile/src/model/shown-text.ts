/** What a server, a tool or a model wrote, made fit to be shown: as text, whole characters, and not longer than a screen. */

export const MAX_TEXT = 2_000; // characters of a result
export const MAX_LINE = 200; // characters of a name or an argument

// controls but line breaks and tabs, and what turns the direction of the text around it: it could hide what a call does
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Return the text without controls, shortened to `limit` characters. */
export function shownText(text: string, limit = MAX_TEXT): string {
  const characters = Array.from(text.slice(0, 2 * limit + 1).replaceAll(HIDDEN, ''));
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : characters.join('');
}

/** Return the text on one line. */
export function shownLine(text: string): string {
  return shownText(text.slice(0, 4 * MAX_LINE).replaceAll(/\s+/g, ' ').trim(), MAX_LINE);
}

/** Return a call's arguments as `room: kitchen, level: 3`. */
export function argumentsText(given: Readonly<Record<string, unknown>> | undefined): string {
  const shown = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return Object.entries(given ?? {}).map(([name, value]) => shownLine(`${name}: ${shown(value)}`)).join(', ');
}
