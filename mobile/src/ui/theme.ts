/** Colours and sizes. The colours are the page's (web/talk/style.css): text has a contrast of 4.5 to 1 at least, light and dark. */

import type {Preferences} from '../model/preferences.ts';

export interface Colours {
  paper: string;
  raised: string;
  ink: string;
  quiet: string;
  line: string;
  accent: string;
  onAccent: string;
  said: string;
  warn: string;
  warnInk: string;
  bad: string;
  live: string;
  onLive: string;
  wave: string;
  shade: string;
}

export const LIGHT: Colours = {
  paper: '#f7f7f4',
  raised: '#ffffff',
  ink: '#1b1e24',
  quiet: '#565c68',
  line: '#d8d9d4',
  accent: '#0b6e5f',
  onAccent: '#ffffff',
  said: '#dcefe9',
  warn: '#fff3d6',
  warnInk: '#5b4300',
  bad: '#a4281f',
  live: '#b3261e',
  onLive: '#ffffff',
  wave: '#b9bdb6',
  shade: 'rgba(20, 22, 26, 0.45)',
};
export const DARK: Colours = {
  paper: '#14161a',
  raised: '#1d2026',
  ink: '#eceef2',
  quiet: '#a6acb8',
  line: '#343943',
  accent: '#6fd6bf',
  onAccent: '#06231d',
  said: '#173a34',
  warn: '#3a2f14',
  warnInk: '#f5dda0',
  bad: '#ff9d94',
  live: '#ff8a80',
  onLive: '#2b0603',
  wave: '#4a505c',
  shade: 'rgba(0, 0, 0, 0.6)',
};

const SCALES: Readonly<Record<Preferences['textSize'], number>> = {usual: 1, large: 1.2, largest: 1.45};
/** Of the smallest thing that a finger shall hit, in dp. */
export const TOUCH = 48;

export interface Theme {
  colours: Colours;
  isDark: boolean;
  /** Return a size of text in dp; the phone's own setting is multiplied with it. */
  text: (size: number) => number;
}

export function themeFor({theme, textSize}: Pick<Preferences, 'theme' | 'textSize'>, isPhoneDark: boolean): Theme {
  const isDark = theme === 'automatic' ? isPhoneDark : theme === 'dark';
  return {colours: isDark ? DARK : LIGHT, isDark, text: (size) => Math.round(size * SCALES[textSize])};
}
