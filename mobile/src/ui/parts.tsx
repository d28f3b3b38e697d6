/** The parts that the screens are made of: words, buttons, fields and choices, of a size that a finger hits. */

import {useState, type ReactNode} from 'react';
import {Pressable, StyleSheet, Text, TextInput, View, type TextInputProps, type TextProps} from 'react-native';
import {useSurroundings} from './context.tsx';
import {Icon, type IconName} from './Icon.tsx';
import {TOUCH, type Colours} from './theme.ts';

type Tone = 'ink' | 'quiet' | 'bad' | 'accent' | 'warnInk' | 'onAccent';

export interface WordsProps extends TextProps {
  size?: number;
  tone?: Tone & keyof Colours;
  isBold?: boolean;
}

export function Words({size = 16, tone = 'ink', isBold = false, style, ...rest}: WordsProps) {
  const {
    theme: {colours, text},
  } = useSurroundings();
  const look = {
    color: colours[tone],
    fontSize: text(size),
    lineHeight: Math.round(text(size) * 1.4),
    fontWeight: isBold ? '600' : '400',
  } as const;
  return <Text {...rest} style={[look, style]} />;
}

export function Title({children}: {children: string}) {
  return (
    <Words role="heading" aria-level={1} size={24} isBold style={styles.title}>
      {children}
    </Words>
  );
}

export interface ButtonProps {
  label: string;
  onPress: () => void;
  icon?: IconName;
  isMain?: boolean;
  isDisabled?: boolean;
  isSmall?: boolean;
  hint?: string;
}

export function Button({label, onPress, icon, isMain = false, isDisabled = false, isSmall = false, hint}: ButtonProps) {
  const {
    theme: {colours},
  } = useSurroundings();
  const ink = isMain ? colours.onAccent : colours.ink;
  const look = {backgroundColor: isMain ? colours.accent : colours.raised, borderColor: isMain ? colours.accent : colours.quiet};
  return (
    <Pressable
      role="button"
      aria-label={label}
      aria-disabled={isDisabled}
      accessibilityHint={hint}
      disabled={isDisabled}
      onPress={onPress}
      style={({pressed}) => [styles.button, isSmall && styles.small, look, {opacity: isDisabled ? 0.5 : pressed ? 0.7 : 1}]}>
      {icon !== undefined && <Icon name={icon} colour={ink} size={isSmall ? 20 : 24} />}
      <Words isBold={isMain} tone={isMain ? 'onAccent' : 'ink'} style={styles.label}>
        {label}
      </Words>
    </Pressable>
  );
}

export interface FieldProps extends TextInputProps {
  label: string;
  problem?: string | undefined;
}

export function Field({label, problem, onBlur, ...rest}: FieldProps) {
  const {
    theme: {colours, text},
  } = useSurroundings();
  const [isFocused, setFocused] = useState(false);
  const border = problem !== undefined ? colours.bad : isFocused ? colours.accent : colours.quiet;
  return (
    <View style={styles.field}>
      <Words size={15} tone="quiet">
        {label}
      </Words>
      <TextInput
        aria-label={label}
        placeholderTextColor={colours.quiet}
        autoCapitalize="none"
        autoCorrect={false}
        {...rest}
        onFocus={() => setFocused(true)}
        onBlur={(event) => {
          setFocused(false);
          onBlur?.(event);
        }}
        style={[styles.input, {color: colours.ink, backgroundColor: colours.raised, borderColor: border, fontSize: text(16)}]}
      />
      {problem !== undefined && (
        <Words role="alert" size={15} tone="bad">
          {problem}
        </Words>
      )}
    </View>
  );
}

export function Card({children, isWarning = false}: {children: ReactNode; isWarning?: boolean}) {
  const {
    theme: {colours},
  } = useSurroundings();
  return (
    <View
      style={[
        styles.card,
        {backgroundColor: isWarning ? colours.warn : colours.raised, borderColor: isWarning ? colours.warn : colours.line},
      ]}>
      {children}
    </View>
  );
}

/** One of several; each is a radio button. */
export function Choice<Key extends string | undefined>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: Key;
  options: readonly (readonly [Key, string])[];
  onChoose: (value: Key) => void;
}) {
  const {
    theme: {colours},
  } = useSurroundings();
  return (
    <View role="radiogroup" aria-label={label} style={styles.choice}>
      <Words size={15} tone="quiet">
        {label}
      </Words>
      <Card>
        {options.map(([key, name], at) => (
          <Pressable
            key={key ?? ''}
            role="radio"
            aria-label={name}
            aria-checked={key === value}
            onPress={() => onChoose(key)}
            style={({pressed}) => [
              styles.row,
              at > 0 && {borderTopWidth: StyleSheet.hairlineWidth, borderColor: colours.line},
              pressed && styles.pressed,
            ]}>
            <View style={[styles.radio, {borderColor: key === value ? colours.accent : colours.quiet}]}>
              {key === value && <View style={[styles.dot, {backgroundColor: colours.accent}]} />}
            </View>
            <Words style={styles.grow}>{name}</Words>
          </Pressable>
        ))}
      </Card>
    </View>
  );
}

export function Switch({label, help, isOn, onChoose}: {label: string; help?: string; isOn: boolean; onChoose: (isOn: boolean) => void}) {
  const {
    theme: {colours},
  } = useSurroundings();
  return (
    <Pressable
      role="switch"
      aria-label={label}
      aria-checked={isOn}
      accessibilityHint={help}
      onPress={() => onChoose(!isOn)}
      style={({pressed}) => [styles.row, pressed && styles.pressed]}>
      <View style={styles.grow}>
        <Words>{label}</Words>
        {help !== undefined && (
          <Words size={14} tone="quiet">
            {help}
          </Words>
        )}
      </View>
      <View
        style={[
          styles.track,
          {backgroundColor: isOn ? colours.accent : colours.raised, borderColor: isOn ? colours.accent : colours.quiet},
        ]}>
        <View style={[styles.thumb, {backgroundColor: isOn ? colours.onAccent : colours.quiet}, isOn && styles.on]} />
      </View>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  title: {marginBottom: 2},
  button: {
    minHeight: TOUCH,
    paddingHorizontal: 18,
    paddingVertical: 6,
    borderWidth: 1,
    borderRadius: 999,
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'center',
    gap: 8,
  },
  small: {minHeight: 40, paddingHorizontal: 14},
  label: {flexShrink: 1, textAlign: 'center'},
  field: {gap: 4},
  input: {minHeight: TOUCH, paddingHorizontal: 16, paddingVertical: 8, borderWidth: 1, borderRadius: 24},
  card: {borderWidth: 1, borderRadius: 14, paddingHorizontal: 14, paddingVertical: 2},
  choice: {gap: 6},
  row: {minHeight: TOUCH, flexDirection: 'row', alignItems: 'center', gap: 12, paddingVertical: 8},
  pressed: {opacity: 0.6},
  grow: {flex: 1},
  radio: {width: 22, height: 22, borderRadius: 11, borderWidth: 2, alignItems: 'center', justifyContent: 'center'},
  dot: {width: 12, height: 12, borderRadius: 6},
  track: {width: 48, height: 28, borderRadius: 14, borderWidth: 1.5, justifyContent: 'center', paddingHorizontal: 4},
  thumb: {width: 18, height: 18, borderRadius: 9},
  on: {alignSelf: 'flex-end'},
});
