import {afterEvent, afterTyping, doing, EMPTY, MAX_TURNS, openQuestion, stagesOf, type Conversation} from '../../src/model/conversation.ts';

const NOW = 1_000_000;
type Step = readonly [type: string, data: object];

const told = (steps: readonly Step[], state: Conversation = EMPTY) =>
  steps.reduce((before, [type, data]) => afterEvent(before, type, data, NOW), state);

const SPOKEN: Step[] = [
  ['speech_started', {turn_id: '1', at_ms: 0}], ['speech_stopped', {turn_id: '1', at_ms: 900, reason: 'silence'}],
  ['transcript', {turn_id: '1', text: 'What time is it?', language: 'en', confidence: 1, audio: {start_ms: 0, end_ms: 900}}],
];
const CALL = {turn_id: '1', call_id: 'c', server: 'home', tool: 'unlock', arguments: {door: 'front'}};
const QUESTION: Step = ['confirm_request', {...CALL, say: 'Unlock?', expires_in_s: 20}];

test('a spoken command becomes a turn with its words, its tool and its answer', () => {
  const {turns: [turn]} = told([
    ...SPOKEN, ['understood', {turn_id: '1', source: 'command', confidence: 1}], ['tool_call', CALL],
    ['tool_progress', {turn_id: '1', call_id: 'c', done: 1, total: 2}], ['tool_result', {turn_id: '1', call_id: 'c', ok: true, duration_ms: 5, content: 'four'}],
    ['reply_delta', {turn_id: '1', text: 'It '}], ['reply', {turn_id: '1', text: 'It is four.', truncated: false}],
    ['turn_completed', {turn_id: '1', outcome: 'done', latency_ms: {total: 9}}],
  ]);
  expect(turn).toMatchObject({
    said: 'What time is it?', language: 'en', reply: 'It is four.', outcome: 'done', isHearing: false,
    tools: [{tool: 'unlock', progress: {done: 1, total: 2}, result: {ok: true, durationMs: 5, text: 'four'}}],
  });
});

test('typed words belong to the next turn that does not begin with speech', () => {
  const typed = afterTyping(afterTyping(EMPTY, 'first'), 'second');
  const state = told([...SPOKEN, ['understood', {turn_id: '2', source: 'command', confidence: 1}]], typed);
  expect(state.turns.map(({said}) => said)).toEqual(['What time is it?', 'first']);
  expect(state.typed).toEqual(['second']);
});

test('a turn of sounds without words leaves nothing but a notice', () => {
  const state = told([
    ['speech_started', {turn_id: '1', at_ms: 0}], ['no_speech', {turn_id: '1', reason: 'noise'}],
    ['turn_completed', {turn_id: '1', outcome: 'no_speech', latency_ms: {}}],
  ]);
  expect(state).toMatchObject({turns: [], notice: {kind: 'no_speech', reason: 'noise'}});
});

test('a question waits until it is answered, ended or expired', () => {
  const asked = told([...SPOKEN, QUESTION]);
  expect(openQuestion(asked, NOW + 19_999)?.say).toBe('Unlock?');
  expect(openQuestion(asked, NOW + 20_000)).toBeUndefined();
  expect(openQuestion(told([['tool_call', CALL]], asked), NOW)).toBeUndefined();
  expect(openQuestion(told([['turn_completed', {turn_id: '1', outcome: 'refused', latency_ms: {}}]], asked), NOW)).toBeUndefined();
});

test('the turns of a session that is gone are lost, and those of one that came back go on', () => {
  const open = told([...SPOKEN, QUESTION]);
  expect(told([['connection_accepted', {resumed: true}]], open)).toEqual({...open, notice: {kind: 'resumed'}});
  expect(told([['connection_accepted', {resumed: false}]], open).turns).toMatchObject([{outcome: 'lost', question: undefined}]);
});

test('events that this app does not know change nothing', () => {
  expect(told([['sung', {turn_id: '1'}], ['toString', {}], ['__proto__', {}]])).toBe(EMPTY);
});

test('a conversation keeps its last turns only', () => {
  const steps = Array.from({length: 1_000}, (_, at): Step => ['transcript', {turn_id: `${at}`, text: `${at}`, language: 'en'}]);
  const {turns} = told(steps);
  expect(turns).toHaveLength(MAX_TURNS);
  expect(turns.at(-1)?.said).toBe('999');
});

test('parts of the service that are degraded are named until they recover', () => {
  const degraded = told([['degraded', {what: 'llm', reason: 'busy'}], ['degraded', {what: 'tts', reason: 'gone'}], ['recovered', {what: 'llm', reason: ''}]]);
  expect(degraded.degraded).toEqual({tts: 'gone'});
});

test('an error is shown at its turn, or as a notice if it has none', () => {
  const state = told([...SPOKEN, ['error', {code: 'turn_failed', message: 'no model', fatal: false, turn_id: '1'}], ['error', {code: 'x', message: 'odd', fatal: false}]]);
  expect(state.turns[0]?.error).toBe('no model');
  expect(state.notice).toEqual({kind: 'error', reason: 'odd'});
  expect(told([['audio_overrun', {from_sample: 0, to_sample: 9}]], state).notice).toEqual({kind: 'overrun'});
});

test.each([
  ['idle', []],
  ['hearing', SPOKEN.slice(0, 1)],
  ['thinking', SPOKEN],
  ['asking', [...SPOKEN, QUESTION]],
  ['acting', [...SPOKEN, ['tool_call', CALL] as const]],
  ['idle', [...SPOKEN, ['turn_completed', {turn_id: '1', outcome: 'done', latency_ms: {}}] as const]],
] as const)('what it does is %s', (expected, steps) => {
  expect(doing(told(steps as readonly Step[]), false, NOW)).toBe(expected);
});

test('it speaks while the answer sounds, also after the turn is completed', () => {
  expect(doing(EMPTY, true, NOW)).toBe('speaking');
});

test('the stages of a turn add up to the first sound', () => {
  const {stages, totalMs} = stagesOf({endpoint: 300, queue: 0, stt: 200, first_audio: 600, total: 2_000});
  expect(stages).toEqual([{stage: 'endpoint', ms: 300}, {stage: 'stt', ms: 200}, {stage: 'voice', ms: 100}]);
  expect(totalMs).toBe(600);
  expect(stagesOf({})).toEqual({stages: [], totalMs: 0});
});
