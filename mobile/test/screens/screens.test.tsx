import {act, fireEvent, render, screen} from '@testing-library/react-native';
import {activateKeepAwakeAsync, deactivateKeepAwake} from 'expo-keep-awake';
import {AccessibilityInfo, StyleSheet, type ViewStyle} from 'react-native';
import {Screens} from '../../src/App.tsx';
import {dayName} from '../../src/screens/HistoryScreen.tsx';
import {languageName} from '../../src/screens/SettingsScreen.tsx';
import {TEXTS} from '../../src/texts/index.ts';
import {fakeTime, FakeSocket, GOOD_PAGES, opened, settled, type Page, type World} from '../fakes.ts';

const mockCamera = {permission: {granted: true, canAskAgain: true}, scan: undefined as ((code: {data: string}) => void) | undefined, asked: 0};
jest.mock('expo-camera', () => ({
  useCameraPermissions: () => [mockCamera.permission, () => (mockCamera.asked += 1)],
  CameraView: ({onBarcodeScanned}: {onBarcodeScanned: (code: {data: string}) => void}) => {
    mockCamera.scan = onBarcodeScanned;
    return null;
  },
}));

const HTML = '<img src=x onerror=alert(1)><b>bold</b>';
const en = TEXTS['en']!;

beforeEach(() => {
  fakeTime();
  jest.spyOn(AccessibilityInfo, 'isReduceMotionEnabled').mockResolvedValue(true);
  mockCamera.permission = {granted: true, canAskAgain: true};
  jest.mocked(activateKeepAwakeAsync).mockClear();
  jest.mocked(deactivateKeepAwake).mockClear();
});
afterEach(() => void jest.useRealTimers());

async function shown(options: Parameters<typeof opened>[0] = {}): Promise<World> {
  const world = await opened({...options, preferences: {appLanguage: 'en', ...options.preferences}});
  render(<Screens app={world.app} />);
  await act(settled);
  return world;
}

const tell = (...events: [string, object][]) => act(async () => {
  for (const [type, data] of events) FakeSocket.last.tell(type, data);
});
const press = (label: string, role: 'button' | 'tab' | 'radio' | 'switch' = 'button') => act(async () => {
  fireEvent.press(screen.getByRole(role, {name: label}));
  await settled();
});
const state = () => screen.getByTestId('state');
const accepted = () => act(async () => FakeSocket.last.accept());
const QUESTION: [string, object] = [
  'confirm_request', {turn_id: '1', call_id: 'c', server: 'home', tool: 'unlock_door', arguments: {door: 'front', note: HTML}, say: 'Unlock the front door?', expires_in_s: 20},
];

test('a command that is said is shown with its tool, its answer and its times', async () => {
  await shown();
  await accepted();
  expect(state()).toHaveTextContent('Ready');
  await press(en.startListening);
  expect(state()).toHaveTextContent('Listening');
  await tell(
    ['speech_started', {turn_id: '1', at_ms: 0}], ['transcript', {turn_id: '1', text: 'What time is it?', language: 'en'}],
    ['tool_call', {turn_id: '1', call_id: 'c', server: 'clock', tool: 'get_time', arguments: {}}],
    ['tool_result', {turn_id: '1', call_id: 'c', ok: true, duration_ms: 12, content: '16:00'}],
    ['reply', {turn_id: '1', text: 'It is four.', truncated: false}],
    ['turn_completed', {turn_id: '1', outcome: 'done', latency_ms: {stt: 200, first_audio: 300}}],
  );
  for (const text of ['What time is it?', 'It is four.', '16:00', '300 ms until the answer']) expect(screen.getByText(text)).toBeTruthy();
  await press('300 ms until the answer');
  expect(screen.getByText('transcription 200 ms')).toBeTruthy();
  await press(en.stopListening);
  expect(state()).toHaveTextContent('Ready');
});

test('the screen stays on while it listens, if that is wanted', async () => {
  const {app} = await shown();
  await accepted();
  await press(en.startListening);
  expect(activateKeepAwakeAsync).toHaveBeenCalledTimes(1);
  await act(async () => {
    app.choose({keepAwake: false});
    await settled();
  });
  expect(deactivateKeepAwake).toHaveBeenCalledTimes(1);
});

test('what servers and tools write is shown as text', async () => {
  await shown();
  await accepted();
  await tell(
    ['transcript', {turn_id: '1', text: HTML, language: 'en'}],
    ['tool_call', {turn_id: '1', call_id: 'c', server: HTML, tool: HTML, arguments: {[HTML]: HTML}}],
    ['tool_result', {turn_id: '1', call_id: 'c', ok: false, duration_ms: 1, error: `no\u202e ${HTML}`}],
    ['error', {code: 'turn_failed', message: HTML, fatal: false, turn_id: '1'}],
  );
  expect(screen.getAllByText(HTML).length).toBeGreaterThan(1);
  expect(screen.getByText(`no ${HTML}`)).toBeTruthy();
});

test('a call that must be agreed to is shown whole, counts down, and goes with the answer', async () => {
  const {app} = await shown();
  await accepted();
  await tell(QUESTION);
  expect(screen.getByText('Unlock the front door?')).toBeTruthy();
  expect(screen.getByText(`door: front, note: ${HTML}`)).toBeTruthy();
  expect(screen.getByText('20 s left')).toBeTruthy();
  await act(async () => jest.advanceTimersByTime(5_000));
  expect(screen.getByText('15 s left')).toBeTruthy();
  await press(en.no);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'confirm', data: {call_id: 'c', approve: false}});
  await tell(['turn_completed', {turn_id: '1', outcome: 'refused', latency_ms: {}}]);
  expect(screen.queryByText('Unlock the front door?')).toBeNull();
  expect(app.talk.question(Date.now())).toBeUndefined();
});

test('a question whose time is over goes by itself, and is seen on every screen before', async () => {
  await shown();
  await accepted();
  await press('History', 'tab');
  await tell(QUESTION);
  expect(screen.getByText('Unlock the front door?')).toBeTruthy();
  await act(async () => {
    for (let at = 0; at < 2; at += 1) {
      FakeSocket.last.tell('status', {load_level: 0, sessions: 1, uptime_s: 1});
      jest.advanceTimersByTime(10_000);
    }
  });
  expect(screen.queryByText('Unlock the front door?')).toBeNull();
});

test('on the loudspeaker an answer is ended by a tap, and the button says so', async () => {
  const world = await shown();
  await accepted();
  await press(en.startListening);
  await act(async () => {
    FakeSocket.last.tell('speech_audio_start', {turn_id: '1', format: 'pcm_s16le', sample_rate: 22_050});
    FakeSocket.last.speak(10);
  });
  expect(state()).toHaveTextContent('Speaking');
  expect(screen.getByText(en.halfHint)).toBeTruthy();
  world.audio().heardMs = 70;
  await press(en.tapToInterrupt);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'interrupt', data: {heard_ms: 70}});
});

test('a held button is pressed and released, also by a screen reader', async () => {
  const {audio} = await shown({preferences: {mode: 'push_to_talk'}});
  await accepted();
  const button = screen.getByRole('button', {name: en.holdToTalk});
  await act(async () => {
    fireEvent(button, 'pressIn');
    await settled();
  });
  audio().hear(1, 2);
  await act(async () => fireEvent(screen.getByRole('button', {name: en.release}), 'pressOut'));
  await act(async () => {
    fireEvent(button, 'accessibilityAction', {nativeEvent: {actionName: 'activate'}});
    await settled();
  });
  await act(async () => fireEvent(button, 'accessibilityAction', {nativeEvent: {actionName: 'activate'}}));
  expect(FakeSocket.last.events.slice(1).map(({type}) => type)).toEqual(['audio_start', 'audio_end', 'audio_start', 'audio_end']);
});

test('typed words stay in the field until they could be sent', async () => {
  await shown();
  const field = screen.getByTestId('typing');
  fireEvent.changeText(field, ' hello ');
  await press(en.send);
  expect(screen.getByText(en.notSent)).toBeTruthy();
  expect(field.props['value']).toBe(' hello ');
  await accepted();
  await press(en.send);
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'text', data: {text: 'hello'}});
  expect([field.props['value'], screen.getByText('hello')]).toEqual(['', expect.anything()]);
});

test('examples and commands are said by a press, but those with words of one’s own are not', async () => {
  await shown();
  await accepted();
  await press('what time is it');
  expect(FakeSocket.last.events.at(-1)).toEqual({type: 'text', data: {text: 'what time is it'}});
  await press('Commands', 'tab');
  expect(screen.queryByRole('button', {name: 'take a note …'})).toBeNull();
  fireEvent.changeText(screen.getByLabelText(en.search), 'zzz');
  expect(screen.getByText(en.commandsNone)).toBeTruthy();
});

test('a lost connection is told with the seconds until the next try', async () => {
  await shown();
  await accepted();
  await act(async () => FakeSocket.last.drop(1012));
  expect(screen.getByText('The server is restarting')).toBeTruthy();
  expect(screen.getByText('Next try in 18 s.')).toBeTruthy();
  await press(en.actions.try_now);
  expect(FakeSocket.opened).toHaveLength(2);
});

test('a microphone that is not allowed leads to the phone’s settings', async () => {
  const world = await shown();
  await accepted();
  world.audio().problem = 'denied';
  await press(en.startListening);
  await press(en.actions.open_phone_settings);
  expect(world.phone.settingsOpened).toBe(1);
});

// --- the server ----------------------------------------------------------------------------------

test('a new phone begins with the server, and pairs by a code after a yes', async () => {
  await shown({server: null});
  expect(screen.getByRole('tab', {name: 'Server', selected: true})).toBeTruthy();
  await press(en.scan);
  await act(async () => mockCamera.scan?.({data: 'https://example.org'}));
  expect(screen.getByText(en.scanWrong)).toBeTruthy();
  await act(async () => mockCamera.scan?.({data: 'sayso://pair?url=wss%3A%2F%2Fnas%3A8000%2Fws&key=sayso_k'}));
  expect(screen.getByText('wss://nas:8000/ws')).toBeTruthy();
  expect(FakeSocket.opened).toEqual([]);
  await press(en.pair);
  expect(FakeSocket.last.url).toBe('wss://nas:8000/ws');
});

test('a camera that is not allowed says what to do instead', async () => {
  mockCamera.permission = {granted: false, canAskAgain: false};
  await shown({server: null});
  await press(en.scan);
  expect(screen.getByText(en.scanDenied)).toBeTruthy();
  await press(en.cancel);
  expect(screen.queryByText(en.scanDenied)).toBeNull();
});

test('a wrong address says what is wrong with it', async () => {
  await shown({server: null});
  fireEvent.changeText(screen.getByLabelText(en.address), 'nas:99999');
  await press(en.save);
  expect(screen.getByText(en.addressProblems.port)).toBeTruthy();
});

test('the test of a server names what is wrong, and never shows the key', async () => {
  await shown({pages: {...GOOD_PAGES, 'http://192.168.0.7:8000/api/commands': {status: 401, body: {}}}});
  await accepted();
  await press('Server', 'tab');
  await press(en.test);
  expect(screen.getByText(en.probe.wrong_key)).toBeTruthy();
  expect(screen.getByLabelText(`${en.steps.session}: ${en.stepUntested}`)).toBeTruthy();
  expect(JSON.stringify(screen.toJSON())).not.toContain('sayso_abc');
});

test('a fingerprint is shown in groups, with what it is for', async () => {
  await shown({server: {url: 'wss://nas:8000/ws', key: 'k', fingerprint: `sha256:${'ab'.repeat(32)}`}});
  await press('Server', 'tab');
  expect(screen.getByText(Array(16).fill('ABAB').join(' '))).toBeTruthy();
});

// --- history and settings ------------------------------------------------------------------------

const history = (turns: object[]): Record<string, Page> => ({...GOOD_PAGES, 'http://192.168.0.7:8000/api/conversations': {body: {turns}}});

test('a thousand turns are a list that draws those on the screen, and can be searched', async () => {
  const turns = Array.from({length: 1_000}, (_, at) => ({
    session_id: 's', turn_id: `${at}`, timestamp: 1_000 - at, heard: `order ${at}`, replied: HTML, outcome: 'failed',
  }));
  await shown({pages: history(turns)});
  await press('History', 'tab');
  expect(screen.getAllByText(/^order \d+$/).length).toBeLessThan(60);
  fireEvent.changeText(screen.getByLabelText(en.search), 'order 999');
  expect(screen.getAllByText(/^order \d+$/)).toHaveLength(1);
  expect(screen.getByText(HTML)).toBeTruthy();
});

test('words that are entered are searched for by the server, and no longer when the field is empty', async () => {
  const {pages} = await shown({pages: history([])});
  await press('History', 'tab');
  const field = screen.getByLabelText(en.search);
  fireEvent.changeText(field, 'kitchen ');
  await act(async () => {
    fireEvent(field, 'submitEditing');
    await settled();
  });
  expect(screen.getByText(en.historyNone)).toBeTruthy();
  fireEvent.changeText(field, '');
  await act(async () => {
    fireEvent(field, 'blur');
    await settled();
  });
  expect(pages.asked.filter(({url}) => url.includes('conversations')).map(({url}) => url.split('?')[1])).toEqual(['limit=100', 'limit=100&q=kitchen', 'limit=100']);
});

test('a key that may not read leaves what this app has seen, and says so', async () => {
  await shown({pages: {...GOOD_PAGES, 'http://192.168.0.7:8000/api/conversations': {status: 403, body: {}}}});
  await accepted();
  await press('History', 'tab');
  expect(screen.getByText(en.historyEmpty)).toBeTruthy();
  await tell(['transcript', {turn_id: '1', text: 'hello there', language: 'en'}]);
  expect(screen.getByText('hello there')).toBeTruthy();
  expect(screen.getByText(en.historyOwn)).toBeTruthy();
});

test('days have names', () => {
  const now = new Date(2026, 2, 30, 9).getTime(); // the day after a day of 23 hours, in many places
  const day = (date: number) => new Date(2026, 2, date).getTime();
  expect([dayName(day(30), now, en), dayName(day(29), now, en)]).toEqual(['Today', 'Yesterday']);
  expect(dayName(day(20), now, en)).toMatch(/20/);
});

test('choices are shown as they are, and kept', async () => {
  const {storage} = await shown();
  await accepted();
  await press('Settings', 'tab');
  expect(screen.getByRole('radio', {name: en.handsFree, checked: true})).toBeTruthy();
  await press(en.pushToTalk, 'radio');
  await press(en.speakAnswers, 'switch');
  expect(screen.getByRole('switch', {name: en.speakAnswers, checked: false})).toBeTruthy();
  expect(JSON.parse(storage.kept['sayso.preferences']!)).toMatchObject({mode: 'push_to_talk', speak: false});
  await press('Deutsch', 'radio');
  expect(screen.getByRole('tab', {name: 'Verlauf'})).toBeTruthy();
});

test.each(['en', 'de'])('voice, speech model and wake word are picked from what the server has, in %s', async (appLanguage) => {
  const texts = TEXTS[appLanguage]!;
  const pages: Record<string, Page> = {
    ...GOOD_PAGES,
    'http://192.168.0.7:8000/v1/audio/voices': {body: {voices: [{id: 'amy', name: 'amy'}, {id: HTML, name: HTML}]}},
    'http://192.168.0.7:8000/api/models': {body: {models: [{name: 'tiny', is_usual: false}, {name: 'base', is_usual: true}]}},
  };
  const {storage} = await shown({pages, preferences: {appLanguage}});
  await act(async () => {
    FakeSocket.last.accept({wake_words: ['hey'], wake: 'hey'});
    await settled();
  });
  await press(texts.tabs.settings, 'tab');
  expect(screen.getByRole('radio', {name: texts.usualModel('base'), checked: true})).toBeTruthy();
  expect(screen.getByRole('radio', {name: 'hey', checked: true})).toBeTruthy();
  await press('tiny', 'radio');
  await press(texts.noWakeWord, 'radio');
  await press(HTML, 'radio');
  expect(screen.getByRole('radio', {name: HTML, checked: true})).toBeTruthy();
  expect(JSON.parse(storage.kept['sayso.preferences']!)).toMatchObject({voice: HTML, model: 'tiny', wake: ''});
});

test('what a server does not offer is not in the settings', async () => {
  await shown();
  await accepted();
  await press('Settings', 'tab');
  for (const label of [en.voice, en.model, en.wakeWord]) expect(screen.queryByLabelText(label)).toBeNull();
});

test('a phone that waits for its wake word says so', async () => {
  await shown();
  await accepted();
  await press(en.startListening);
  await tell(['wake_state', {state: 'asleep'}]);
  expect(textsIn(state())).toBe(en.states.asleep);
  await tell(['wake_state', {state: 'listening', for_s: 5}]);
  expect(textsIn(state())).toBe(en.states.listening);
});

test('a part that fails is named in words until it works again', async () => {
  await shown();
  await accepted();
  await tell(['degraded', {what: 'speech', reason: 'no worker'}]);
  expect(screen.getByText('The voice does not work: no worker')).toBeTruthy();
  await tell(['recovered', {what: 'speech', reason: ''}]);
  expect(screen.getByText('The voice works again.')).toBeTruthy();
});

test('a language that the phone has no name for is shown by its own, or its code', () => {
  expect([languageName('de', 'en'), languageName('x y', 'en')]).toEqual(['German', 'x y']);
});

type Shown = ReturnType<typeof screen.getByRole>;
const textsIn = (node: Shown | string): string => (typeof node === 'string' ? node : node.children.map(textsIn).join(''));

test('everything that can be pressed has a name, and is large enough for a finger', async () => {
  await shown();
  await accepted();
  await tell(['turn_completed', {turn_id: '1', outcome: 'done', latency_ms: {stt: 9}}], ['reply', {turn_id: '2', text: 'hello', truncated: false}]);
  const faults: unknown[] = [];
  for (const tab of ['Talk', 'History', 'Commands', 'Server', 'Settings']) {
    await press(tab, 'tab');
    for (const role of ['button', 'tab', 'radio', 'switch'] as const) {
      for (const found of screen.queryAllByRole(role)) {
        const name = String(found.props['accessibilityLabel'] ?? found.props['aria-label'] ?? textsIn(found));
        const {minHeight = 0, height = 0} = StyleSheet.flatten<ViewStyle>(found.props['style'] as ViewStyle);
        if (name === '' || Math.max(Number(minHeight), Number(height)) + 2 * Number(found.props['hitSlop'] ?? 0) < 40) faults.push([tab, role, name]);
      }
    }
  }
  expect(faults).toEqual([]);
});
