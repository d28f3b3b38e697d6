/** Settings: how to talk, what is spoken and shown, and how the app looks. */

import {Platform, ScrollView, StyleSheet, View} from 'react-native';
import {shownLine} from '../model/shown-text.ts';
import {TEXTS} from '../texts/index.ts';
import {useAppState, useSurroundings, useTalkState} from '../ui/context.tsx';
import {Card, Choice, Switch, Title} from '../ui/parts.tsx';

/** Return the name of a language in the app's language; some engines know none. */
export function languageName(code: string, appLanguage: string): string {
  try {
    return new Intl.DisplayNames([appLanguage], {type: 'language'}).of(code) ?? code;
  } catch {
    return Object.hasOwn(TEXTS, code) ? TEXTS[code]!.name : code;
  }
}

/** What the server offers to choose from; a list with one entry is no choice. */
function OfferedChoices() {
  const {app, texts} = useSurroundings();
  const {preferences: {voice, model, wake}} = useAppState();
  const {offers: {voices, models}, wakeWords, usualWake} = useTalkState();
  return (
    <>
      {voices.length > 1 && (
        <Choice<string | undefined>
          label={texts.voice}
          value={voices.some(({id}) => id === voice) ? voice : undefined}
          options={[[undefined, texts.usualVoice], ...voices.map(({id, name}) => [id, shownLine(name)] as const)]}
          onChoose={(chosen) => app.choose({voice: chosen})}
        />
      )}
      {models.length > 1 && (
        <Choice<string | undefined>
          label={texts.model}
          value={models.slice(1).find((name) => name === model)}
          options={[[undefined, texts.usualModel(shownLine(models[0]!))], ...models.slice(1).map((name) => [name, shownLine(name)] as const)]}
          onChoose={(chosen) => app.choose({model: chosen})}
        />
      )}
      {wakeWords.length > 0 && (
        <Choice
          label={texts.wakeWord}
          value={wake === '' || wakeWords.includes(wake ?? '') ? wake! : (usualWake ?? '')}
          options={[['', texts.noWakeWord], ...wakeWords.map((word) => [word, shownLine(word)] as const)]}
          onChoose={(chosen) => app.choose({wake: chosen})}
        />
      )}
    </>
  );
}

export function SettingsScreen() {
  const {app, texts} = useSurroundings();
  const {preferences, commands} = useAppState();
  const {mode, policy, language, appLanguage, speak, details, background, keepAwake, haptics, textSize, theme} = preferences;
  const languages = commands.is === 'here' ? commands.content.languages : [];
  const spoken = language === undefined || languages.includes(language) ? languages : [...languages, language];
  const isPhone = Platform.OS !== 'web';
  return (
    <ScrollView contentContainerStyle={styles.screen}>
      <Title>{texts.settings}</Title>
      <Choice
        label={texts.talkMode}
        value={mode}
        options={[
          ['hands_free', texts.handsFree],
          ['push_to_talk', texts.pushToTalk],
        ]}
        onChoose={(chosen) => app.choose({mode: chosen})}
      />
      <Choice
        label={texts.policy}
        value={policy}
        options={[
          ['automatic', texts.policies.automatic],
          ['always', texts.policies.always],
          ['never', texts.policies.never],
        ]}
        onChoose={(chosen) => app.choose({policy: chosen})}
      />
      <View>
        <Card>
          <Switch label={texts.speakAnswers} isOn={speak} onChoose={(isOn) => app.choose({speak: isOn})} />
          <Switch label={texts.showDetails} isOn={details} onChoose={(isOn) => app.choose({details: isOn})} />
          {isPhone && (
            <Switch
              label={texts.background}
              help={texts.backgroundHelp}
              isOn={background}
              onChoose={(isOn) => app.choose({background: isOn})}
            />
          )}
          <Switch label={texts.keepAwake} isOn={keepAwake} onChoose={(isOn) => app.choose({keepAwake: isOn})} />
          {isPhone && <Switch label={texts.haptics} isOn={haptics} onChoose={(isOn) => app.choose({haptics: isOn})} />}
        </Card>
      </View>
      <Choice<string | undefined>
        label={texts.language}
        value={language}
        options={[[undefined, texts.usualLanguage], ...spoken.map((code) => [code, languageName(code, texts.code)] as const)]}
        onChoose={(chosen) => app.choose({language: chosen})}
      />
      <OfferedChoices />
      <Choice<string | undefined>
        label={texts.appLanguage}
        value={appLanguage}
        options={[[undefined, texts.phoneLanguage], ...Object.values(TEXTS).map(({code, name}) => [code, name] as const)]}
        onChoose={(chosen) => app.choose({appLanguage: chosen})}
      />
      <Choice
        label={texts.textSize}
        value={textSize}
        options={[
          ['usual', texts.textSizes.usual],
          ['large', texts.textSizes.large],
          ['largest', texts.textSizes.largest],
        ]}
        onChoose={(chosen) => app.choose({textSize: chosen})}
      />
      <Choice
        label={texts.theme}
        value={theme}
        options={[
          ['automatic', texts.themes.automatic],
          ['light', texts.themes.light],
          ['dark', texts.themes.dark],
        ]}
        onChoose={(chosen) => app.choose({theme: chosen})}
      />
    </ScrollView>
  );
}

const styles = StyleSheet.create({screen: {padding: 16, paddingBottom: 32, gap: 18}});
