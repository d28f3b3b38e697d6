/** The user's choices, kept in this browser where it allows that. */

const KEY = 'sayso';
const USUAL = {
  clientId: undefined, pageLanguage: undefined, language: undefined, mode: 'hands_free', speak: true, details: true, deviceId: undefined,
  voice: undefined, model: undefined, wake: undefined,
  user: undefined, // who is logged in, as far as this browser knows
  key: undefined, // of earlier versions: it is exchanged for a cookie, and removed
};

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}');
  } catch {
    return {}; // no storage, or what is there is not ours
  }
}

/** Return the choices; a browser that has none yet gets a name of its own. */
export function loadPreferences() {
  const found = {...USUAL, ...stored()};
  return {...found, clientId: found.clientId ?? `page-${Math.random().toString(36).slice(2, 10)}`};
}

export function savePreferences(preferences) {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // then they hold until the page is closed
  }
}
