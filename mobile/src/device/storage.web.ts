/** What is kept in a browser, where it allows that. */

import type {Storage} from './storage.ts';

export type {Storage, StoredName} from './storage.ts';

export const storage: Storage = {
  async read(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  async write(name, value) {
    localStorage.setItem(name, value);
  },
};
