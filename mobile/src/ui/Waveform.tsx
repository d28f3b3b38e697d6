/** The microphone's level of the last seconds; decoration beside the state, which is said in words. */

import {useEffect, useState} from 'react';
import {StyleSheet, View} from 'react-native';
import type {Levels} from '../model/levels.ts';
import {useCalm, useSurroundings} from './context.tsx';

const EVERY_MS = 80;
const CALM_MS = 500;
const HEIGHT = 36;
const LEAST = 2;

export function Waveform({levels, isHeard}: {levels: Levels; isHeard: boolean}) {
  const {
    theme: {colours},
  } = useSurroundings();
  const isCalm = useCalm();
  const [peaks, setPeaks] = useState(() => levels.all());
  useEffect(() => {
    const timer = setInterval(() => setPeaks(levels.all()), isCalm ? CALM_MS : EVERY_MS);
    return () => clearInterval(timer);
  }, [levels, isCalm]);
  const backgroundColor = isHeard ? colours.accent : colours.wave;
  return (
    <View aria-hidden importantForAccessibility="no-hide-descendants" style={styles.wave}>
      {peaks.map((peak, at) => (
        <View key={at} style={[styles.bar, {backgroundColor, height: Math.max(LEAST, Math.sqrt(peak) * HEIGHT)}]} />
      ))}
    </View>
  );
}

const styles = StyleSheet.create({
  wave: {height: HEIGHT, flexDirection: 'row', alignItems: 'center', justifyContent: 'space-between', overflow: 'hidden'},
  bar: {flex: 1, maxWidth: 4, marginHorizontal: 1, borderRadius: 2},
});
