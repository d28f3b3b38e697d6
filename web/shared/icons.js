/** The page's few drawings; each is decoration beside a word. */

import {html} from '../vendor/preact-htm.js';

const icon = (...paths) => html`
  <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
    stroke-linejoin="round" aria-hidden="true">${paths.map((path) => html`<path d=${path} />`)}</svg>`;

export const microphoneIcon = () => icon('M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M6 11a6 6 0 0 0 12 0', 'M12 17v4');
export const stopIcon = () => icon('M7 7h10v10H7z');
export const sendIcon = () => icon('M5 12h14', 'M13 6l6 6-6 6');
export const gearIcon = () => icon('M4 7h10', 'M18 7h2', 'M4 17h2', 'M10 17h10', 'M16 5v4', 'M8 15v4');
export const questionIcon = () => icon('M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400', 'M12 18h.01');
export const closeIcon = () => icon('M6 6l12 12', 'M18 6L6 18');
