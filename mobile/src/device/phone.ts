/** The phone around the app: what is felt, whether there is a network, and whether the app is in front. */

import * as Haptics from 'expo-haptics';
import * as Network from 'expo-network';
import {AppState, Linking} from 'react-native';
import type {Feedback} from '../model/activity.ts';

export interface Phone {
  feel(feedback: Feedback): void;
  /** Call with each change; return what ends that. */
  onOnline(listener: (isOnline: boolean) => void): () => void;
  onFront(listener: (isInFront: boolean) => void): () => void;
  /** A link that opened the app, or came while it ran. */
  onLink(listener: (link: string) => void): () => void;
  openSettings(): void;
}

const FELT: Readonly<Record<Feedback, () => Promise<void>>> = {
  began: () => Haptics.impactAsync(Haptics.ImpactFeedbackStyle.Light),
  ended: () => Haptics.impactAsync(Haptics.ImpactFeedbackStyle.Soft),
  question: () => Haptics.notificationAsync(Haptics.NotificationFeedbackType.Warning),
  failed: () => Haptics.notificationAsync(Haptics.NotificationFeedbackType.Error),
};

export const phone: Phone = {
  feel(feedback) {
    FELT[feedback]().catch(() => undefined); // a tablet without a motor
  },
  onOnline(listener) {
    const subscription = Network.addNetworkStateListener(({isConnected}) => listener(isConnected !== false));
    return () => subscription.remove();
  },
  onFront(listener) {
    const subscription = AppState.addEventListener('change', (state) => {
      if (state !== 'inactive') listener(state === 'active'); // inactive: the app switcher, or a question of the system
    });
    return () => subscription.remove();
  },
  onLink(listener) {
    void Linking.getInitialURL().then((link) => link !== null && listener(link));
    const subscription = Linking.addEventListener('url', ({url}) => listener(url));
    return () => subscription.remove();
  },
  openSettings() {
    void Linking.openSettings().catch(() => undefined); // a browser has none
  },
};
