/** What every part of the screens needs: the app, its words and its colours; and hooks that follow a store. */

import {createContext, use, useEffect, useReducer, useState, useSyncExternalStore} from 'react';
import {AccessibilityInfo} from 'react-native';
import type {AppModel, AppState} from '../state/app.ts';
import type {Store} from '../state/store.ts';
import type {TalkState} from '../state/talk.ts';
import type {Texts} from '../texts/index.ts';
import type {Theme} from './theme.ts';

export type TabName = keyof Texts['tabs'];

export interface Surroundings {
  app: AppModel;
  texts: Texts;
  theme: Theme;
  open: (tab: TabName) => void;
}

export const SurroundingsContext = createContext<Surroundings | undefined>(undefined);

export function useSurroundings(): Surroundings {
  const found = use(SurroundingsContext);
  if (found === undefined) throw new Error('a part of the screens must be inside of App');
  return found;
}

export function useStore<State extends object>(store: Store<State>): State {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

export const useAppState = (): AppState => useStore(useSurroundings().app.store);
export const useTalkState = (): TalkState => useStore(useAppState().talk.store);

/** Return the time, as `Date.now`, again and again while something on the screen runs down. */
export function useNow(isRunning: boolean, everyMs = 250): number {
  const [, tick] = useReducer((ticks: number) => ticks + 1, 0);
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(tick, everyMs);
    return () => clearInterval(timer);
  }, [isRunning, everyMs]);
  return Date.now();
}

/** Return whether the user wants little motion. */
export function useCalm(): boolean {
  const [isCalm, setCalm] = useState(false);
  useEffect(() => {
    let isHere = true;
    void AccessibilityInfo.isReduceMotionEnabled().then((found) => isHere && setCalm(found));
    const subscription = AccessibilityInfo.addEventListener('reduceMotionChanged', setCalm);
    return () => {
      isHere = false;
      subscription.remove();
    };
  }, []);
  return isCalm;
}
