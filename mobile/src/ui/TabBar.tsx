/** The five screens, at the lower edge, where a thumb reaches them. */

import {Pressable, StyleSheet, View} from 'react-native';
import {useSurroundings, type TabName} from './context.tsx';
import {Icon} from './Icon.tsx';
import {Words} from './parts.tsx';
import {TOUCH} from './theme.ts';

const LARGEST = 13; // dp: five words side by side
export const TABS: readonly TabName[] = ['talk', 'history', 'commands', 'server', 'settings'];

export function TabBar({current}: {current: TabName}) {
  const {
    texts,
    theme: {colours, text},
    open,
  } = useSurroundings();
  return (
    <View role="tablist" style={[styles.bar, {backgroundColor: colours.raised, borderColor: colours.line}]}>
      {TABS.map((tab) => {
        const isCurrent = tab === current;
        return (
          <Pressable
            key={tab}
            role="tab"
            aria-label={texts.tabs[tab]}
            aria-selected={isCurrent}
            onPress={() => open(tab)}
            style={styles.tab}>
            <Icon name={tab} colour={isCurrent ? colours.accent : colours.quiet} />
            <Words
              isBold={isCurrent}
              tone={isCurrent ? 'accent' : 'quiet'}
              numberOfLines={1}
              maxFontSizeMultiplier={1.2}
              adjustsFontSizeToFit
              style={{fontSize: Math.min(text(12), LARGEST), lineHeight: 18}}>
              {texts.tabs[tab]}
            </Words>
          </Pressable>
        );
      })}
    </View>
  );
}

const styles = StyleSheet.create({
  bar: {flexDirection: 'row', borderTopWidth: StyleSheet.hairlineWidth},
  tab: {flex: 1, minHeight: TOUCH + 8, alignItems: 'center', justifyContent: 'center'},
});
