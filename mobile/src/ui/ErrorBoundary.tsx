/** Says that the app has a fault, instead of a white screen, and begins anew. */

import {Component, type ReactNode} from 'react';
import {Pressable, StyleSheet, Text, View} from 'react-native';
import {textsFor} from '../texts/index.ts';
import {LIGHT, TOUCH} from './theme.ts';

export class ErrorBoundary extends Component<{children: ReactNode}, {hasFailed: boolean}> {
  override state = {hasFailed: false};

  static getDerivedStateFromError(): {hasFailed: boolean} {
    return {hasFailed: true};
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    const texts = textsFor(undefined);
    return (
      <View style={styles.page}>
        <Text role="alert" style={styles.words}>
          {texts.crashed}
        </Text>
        <Pressable role="button" style={styles.button} onPress={() => this.setState({hasFailed: false})}>
          <Text style={styles.words}>{texts.startAgain}</Text>
        </Pressable>
      </View>
    );
  }
}

const styles = StyleSheet.create({
  page: {flex: 1, justifyContent: 'center', alignItems: 'center', gap: 16, padding: 24, backgroundColor: LIGHT.paper},
  words: {fontSize: 18, color: LIGHT.ink, textAlign: 'center'},
  button: {minHeight: TOUCH, justifyContent: 'center', paddingHorizontal: 20, borderWidth: 1, borderRadius: 24, borderColor: LIGHT.quiet},
});
