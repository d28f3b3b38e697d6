/** What the test of a server has found, step by step, with what is wrong and what to do about it. */

import {StyleSheet, View} from 'react-native';
import {STEPS} from '../model/probe.ts';
import {shownLine} from '../model/shown-text.ts';
import {useAppState, useSurroundings} from '../ui/context.tsx';
import {Icon} from '../ui/Icon.tsx';
import {Card, Words} from '../ui/parts.tsx';

export function Findings() {
  const {
    texts,
    theme: {colours},
  } = useSurroundings();
  const {findings, isProbing} = useAppState();
  if (findings.length === 0 && !isProbing) return null;
  return (
    <Card>
      <View style={styles.findings} aria-live="polite">
        {STEPS.map((step) => {
          const finding = findings.find((one) => one.step === step);
          const isGood = finding !== undefined && finding.problem === undefined;
          const state = finding === undefined ? texts.stepUntested : isGood ? texts.stepGood : texts.stepBad;
          const icon = finding === undefined ? 'open' : isGood ? 'good' : 'bad';
          const colour = finding === undefined ? colours.quiet : isGood ? colours.accent : colours.bad;
          return (
            <View key={step} accessible aria-label={`${texts.steps[step]}: ${state}`} style={styles.step}>
              <Icon name={icon} colour={colour} />
              <View style={styles.grow}>
                <Words tone={finding === undefined ? 'quiet' : 'ink'}>
                  {texts.steps[step]}
                  {isGood && finding.detail !== undefined && <Words tone="quiet">{` (${texts.version(shownLine(finding.detail))})`}</Words>}
                </Words>
                {finding?.problem !== undefined && (
                  <Words role="alert" size={15} tone="bad">
                    {texts.probe[finding.problem]}
                  </Words>
                )}
                {finding?.problem !== undefined && finding.detail !== undefined && (
                  <Words size={13} tone="quiet">
                    {shownLine(finding.detail)}
                  </Words>
                )}
              </View>
            </View>
          );
        })}
      </View>
    </Card>
  );
}

const styles = StyleSheet.create({
  findings: {paddingVertical: 8, gap: 8},
  step: {flexDirection: 'row', gap: 12},
  grow: {flex: 1, gap: 2},
});
