/** What can be said: `GET /api/commands`. Pure. */

export interface Command {
  language: string;
  intent: string;
  server: string;
  tool: string;
  samples: readonly string[];
}

export interface CommandList {
  languages: readonly string[];
  commands: readonly Command[];
}

const EXAMPLES = 4;
const BUILT_IN = 'sayso-tools';
const USUAL_TOOLS = ['get_time', 'set_timer', 'calculate', 'get_date'];
const FREE_TEXT = '…';

function isCommand(value: unknown): value is Command {
  if (typeof value !== 'object' || value === null) return false;
  const {language, intent, server, tool, samples} = value as Record<string, unknown>;
  return (
    [language, intent, server, tool].every((part) => typeof part === 'string') &&
    Array.isArray(samples) &&
    samples.every((one) => typeof one === 'string')
  );
}

/** Return the list in an answer of the server; undefined if it is none. */
export function commandList(page: unknown): CommandList | undefined {
  const {languages, commands} = (page ?? {}) as Partial<Record<keyof CommandList, unknown>>;
  if (!Array.isArray(languages) || !Array.isArray(commands)) return undefined;
  return {languages: languages.filter((one) => typeof one === 'string'), commands: commands.filter(isCommand)};
}

/** Return the language whose commands to show: the spoken one, else the app's, else the first there is. */
export function commandLanguage({languages}: CommandList, spoken: string | undefined, app: string): string | undefined {
  return [spoken?.slice(0, 2), app, 'en'].find((code) => code !== undefined && languages.includes(code)) ?? languages[0];
}

/** Return the commands of the language whose sentences hold `search`. */
export function foundCommands({commands}: CommandList, language: string | undefined, search: string): Command[] {
  const wanted = search.trim().toLowerCase();
  const isWanted = (text: string) => text.toLowerCase().includes(wanted);
  return commands
    .filter((command) => command.language === language && command.samples.length > 0)
    .filter(({samples, intent}) => samples.some(isWanted) || isWanted(intent));
}

/** Return whether a sentence can be sent as it is: `…` stands for words that only the user knows. */
export function isWhole(sentence: string): boolean {
  return !sentence.includes(FREE_TEXT);
}

/** Return some sentences to begin with: the user's own commands first, then some that work everywhere. */
export function exampleSentences({commands}: CommandList, language: string | undefined): string[] {
  const usable = commands.filter((one) => one.language === language && one.samples.length > 0 && isWhole(one.samples[0]!));
  const own = usable.filter(({server}) => server !== BUILT_IN);
  const usual = USUAL_TOOLS.flatMap((tool) => usable.find((one) => one.tool === tool) ?? []);
  const sentences = [...own.slice(0, EXAMPLES - 2), ...usual, ...own, ...usable].map(({samples}) => samples[0]!);
  return [...new Set(sentences)].slice(0, EXAMPLES);
}
