/** The app: opens what is behind the screens, and shows the one that was chosen. */

import {activateKeepAwakeAsync, deactivateKeepAwake} from 'expo-keep-awake';
import {StatusBar} from 'expo-status-bar';
import {useEffect, useMemo, useState} from 'react';
import {BackHandler, KeyboardAvoidingView, Platform, StyleSheet, useColorScheme, View} from 'react-native';
import {SafeAreaProvider, SafeAreaView} from 'react-native-safe-area-context';
// without an ending, so that a browser gets device.web.ts and storage.web.ts
import {openAudio} from './audio/device';
import {phone} from './device/phone.ts';
import {storage} from './device/storage';
import {CommandsScreen} from './screens/CommandsScreen.tsx';
import {HistoryScreen} from './screens/HistoryScreen.tsx';
import {OfferSheet} from './screens/OfferSheet.tsx';
import {QuestionSheet} from './screens/QuestionSheet.tsx';
import {ServerScreen} from './screens/ServerScreen.tsx';
import {SettingsScreen} from './screens/SettingsScreen.tsx';
import {TalkScreen} from './screens/TalkScreen.tsx';
import {AppModel} from './state/app.ts';
import {textsFor} from './texts/index.ts';
import {SurroundingsContext, useAppState, useStore, useTalkState, type TabName} from './ui/context.tsx';
import {ErrorBoundary} from './ui/ErrorBoundary.tsx';
import {TabBar} from './ui/TabBar.tsx';
import {themeFor} from './ui/theme.ts';

const AWAKE_TAG = 'listening';
const SCREENS = {talk: TalkScreen, history: HistoryScreen, commands: CommandsScreen, server: ServerScreen, settings: SettingsScreen};

const openApp = () =>
  AppModel.open({
    openAudio,
    storage,
    phone,
    fetch: (...given) => fetch(...given),
    notice: ({appLanguage}) => {
      const {noticeTitle, noticeText, stop} = textsFor(appLanguage);
      return {title: noticeTitle, text: noticeText, stop};
    },
  });

/** Keeps the screen on while it listens, where the phone allows that. */
function AwakeWhileListening() {
  const {
    preferences: {keepAwake},
  } = useAppState();
  const {microphone} = useTalkState();
  const isWanted = keepAwake && microphone === 'on';
  useEffect(() => {
    if (!isWanted) return undefined;
    const isOn = activateKeepAwakeAsync(AWAKE_TAG).then(
      () => true,
      () => false,
    ); // a phone that saves power says no
    return () => void isOn.then(async (found) => (found ? deactivateKeepAwake(AWAKE_TAG) : undefined));
  }, [isWanted]);
  return null;
}

export function Screens({app}: {app: AppModel}) {
  const {preferences, server} = useStore(app.store);
  const isPhoneDark = useColorScheme() === 'dark';
  const [tab, open] = useState<TabName>(server === undefined ? 'server' : 'talk');
  const theme = useMemo(() => themeFor(preferences, isPhoneDark), [preferences, isPhoneDark]);
  const texts = textsFor(preferences.appLanguage);
  const surroundings = useMemo(() => ({app, texts, theme, open}), [app, texts, theme]);
  useEffect(() => {
    const back = () => {
      open('talk');
      return tab !== 'talk'; // from there, back leaves the app
    };
    const subscription = BackHandler.addEventListener('hardwareBackPress', back);
    return () => subscription.remove();
  }, [tab]);
  useEffect(() => {
    if (Platform.OS === 'web') document.documentElement.lang = texts.code;
  }, [texts]);
  const Screen = SCREENS[tab];
  return (
    <SurroundingsContext value={surroundings}>
      <SafeAreaView style={[styles.page, {backgroundColor: theme.colours.paper}]}>
        <StatusBar style={theme.isDark ? 'light' : 'dark'} />
        <KeyboardAvoidingView style={styles.page} behavior={Platform.OS === 'ios' ? 'padding' : 'height'}>
          <View role="main" style={styles.column}>
            <Screen />
          </View>
          <TabBar current={tab} />
        </KeyboardAvoidingView>
      </SafeAreaView>
      <QuestionSheet />
      <OfferSheet />
      <AwakeWhileListening />
    </SurroundingsContext>
  );
}

export function App() {
  const [app, setApp] = useState<AppModel>();
  useEffect(() => {
    let opened: AppModel | undefined;
    let isGone = false;
    void openApp().then((found) => {
      opened = found;
      if (isGone) found.close();
      else setApp(found);
    });
    return () => {
      isGone = true;
      opened?.close();
    };
  }, []);
  return (
    <ErrorBoundary>
      <SafeAreaProvider>{app !== undefined && <Screens app={app} />}</SafeAreaProvider>
    </ErrorBoundary>
  );
}

const styles = StyleSheet.create({
  page: {flex: 1},
  column: {flex: 1, width: '100%', maxWidth: 720, alignSelf: 'center'},
});
