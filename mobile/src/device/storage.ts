/** What is kept on the phone: in its keychain or keystore, because one of it is a key. */

import * as SecureStore from 'expo-secure-store';

export type StoredName = 'sayso.server' | 'sayso.preferences';

export interface Storage {
  /** Return what was kept; null if there is nothing, or it cannot be read any more. */
  read(name: StoredName): Promise<string | null>;
  write(name: StoredName, value: string): Promise<void>;
}

// a copy of the phone's memory on another phone shall not have the key
const OPTIONS: SecureStore.SecureStoreOptions = {keychainAccessible: SecureStore.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY};

export const storage: Storage = {
  async read(name) {
    try {
      return await SecureStore.getItemAsync(name, OPTIONS);
    } catch {
      return null; // the keystore's own key is gone, as after a change of the lock screen
    }
  },
  write: (name, value) => SecureStore.setItemAsync(name, value, OPTIONS),
};
