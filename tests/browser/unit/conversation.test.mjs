import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  afterEvent, afterTyping, asText, askingTurn, doing, EMPTY, MAX_TURNS, stagesOf, openQuestion,
} from '../../../web/talk/conversation.js';
import {texts} from '../../../web/talk/texts/en.js';

const after = (...events) => events.reduce((state, [type, data]) => afterEvent(state, type, data, 1_000), EMPTY);
const CALL = {turn_id: 't1', call_id: 'c1', server: 'home', tool: 'turn_on', arguments: {where: 'kitchen'}};
const HEARD = [['speech_started', {turn_id: 't1', at_ms: 100}], ['speech_stopped', {turn_id: 't1', at_ms: 900, reason: 'silence'}]];
const WORDS = ['transcript', {turn_id: 't1', text: 'hello', language: 'en', confidence: 1}];

test('a spoken turn has its words, its call, its answer and its times', () => {
  const {turns: [turn]} = after(
    ...HEARD, WORDS, ['tool_call', CALL], ['tool_result', {turn_id: 't1', call_id: 'c1', ok: true, duration_ms: 5, content: 'on'}],
    ['reply', {turn_id: 't1', text: 'It is on.', truncated: false}],
    ['turn_completed', {turn_id: 't1', outcome: 'done', latency_ms: {total: 9}}],
  );
  assert.deepEqual([turn.said, turn.reply, turn.outcome, turn.latency], ['hello', 'It is on.', 'done', {total: 9}]);
  assert.deepEqual(turn.tools, [{
    callId: 'c1', server: 'home', tool: 'turn_on', given: {where: 'kitchen'}, result: {ok: true, durationMs: 5, text: 'on'},
  }]);
});

test('words that come while somebody speaks are shown, and replaced by the whole', () => {
  const early = after(HEARD[0], ['transcript_partial', {turn_id: 't1', text: 'hel'}]);
  assert.equal(early.turns[0].said, 'hel');
  assert.equal(afterEvent(early, ...WORDS, 1).turns[0].said, 'hello');
});

test('typed words belong to the next turn that does not begin with speech', () => {
  const typed = afterTyping(EMPTY, 'first');
  const spoken = afterEvent(typed, ...HEARD[0], 1);
  assert.deepEqual([spoken.turns[0].said, spoken.typed], ['', ['first']]);
  const understood = afterEvent(spoken, 'understood', {turn_id: 't2', source: 'command', confidence: 1}, 1);
  assert.deepEqual([understood.turns[1].said, understood.typed], ['first', []]);
});

test('a sound without words leaves no turn, but says why', () => {
  const state = after(...HEARD, ['no_speech', {turn_id: 't1', reason: 'noise'}],
    ['turn_completed', {turn_id: 't1', outcome: 'no_speech', latency_ms: {}}]);
  assert.deepEqual([state.turns, state.notice], [[], {kind: 'no_speech', reason: 'noise'}]);
});

test('a question waits until its time is over, its call is made or its turn ends', () => {
  const asked = after(['confirm_request', {...CALL, say: 'Really?', expires_in_s: 20}]);
  assert.equal(askingTurn(asked).confirm.expiresAt, 21_000);
  assert.equal(askingTurn(afterEvent(asked, 'tool_call', CALL, 1)), undefined);
  assert.equal(askingTurn(afterEvent(asked, 'turn_completed', {turn_id: 't1', outcome: 'refused', latency_ms: {}}, 1)), undefined);
});

const WHICH = {turn_id: 't1', text: 'Which one?', open_for_s: 15, choices: ['pasta timer', 'pizza timer']};
const END = ['turn_completed', {turn_id: 't1', outcome: 'done', latency_ms: {}}];

test('a question with choices can be answered until it lapses or something else is said', () => {
  const asked = after(WORDS, ['question', WHICH], END);
  const {until} = openQuestion(asked, 0);
  assert.deepEqual(openQuestion(asked, until - 1).choices, ['pasta timer', 'pizza timer']);
  assert.equal(openQuestion(asked, until), undefined);
  assert.equal(openQuestion(afterTyping(asked, 'pizza timer'), 0), undefined);
  assert.equal(openQuestion(afterEvent(asked, 'speech_started', {turn_id: 't2', at_ms: 0}, 1), 0), undefined);
  assert.equal(openQuestion(after(WORDS, ['question', {...WHICH, choices: undefined}], END), 0), undefined);
});

test('words that were heard in part and not in the end leave no turn', () => {
  const state = after(HEARD[0], ['transcript_partial', {turn_id: 't1', text: 'hel'}]);
  assert.deepEqual([state.turns[0].said, state.turns[0].isFinal], ['hel', false]);
  assert.equal(afterEvent(state, 'transcript', WORDS[1], 1).turns[0].isFinal, true);
  assert.deepEqual(afterEvent(state, 'turn_completed', {turn_id: 't1', outcome: 'no_speech', latency_ms: {}}, 1).turns, []);
});

test('a session with a wake word is asleep until it is said', () => {
  assert.equal(after(['wake_state', {state: 'asleep'}]).isAsleep, true);
  assert.equal(after(['wake_state', {state: 'asleep'}], ['wake_state', {state: 'listening'}]).isAsleep, false);
});

test('an answer grows by what comes of it, and the whole takes its place', () => {
  const grown = after(['reply_delta', {turn_id: 't1', text: 'It '}], ['reply_delta', {turn_id: 't1', text: 'is'}]);
  assert.equal(grown.turns[0].reply, 'It is');
  assert.equal(afterEvent(grown, 'reply', {turn_id: 't1', text: 'It', truncated: true}, 1).turns[0].truncated, true);
});

test('a session that is gone ends its turns, a resumed one goes on and says so', () => {
  const state = after(...HEARD, WORDS);
  assert.deepEqual(afterEvent(state, 'connection_accepted', {resumed: true}, 1), {...state, notice: {kind: 'resumed'}});
  assert.equal(afterEvent(state, 'connection_accepted', {resumed: false}, 1).turns[0].outcome, 'lost');
});

test('the page says what goes on', () => {
  assert.equal(doing(EMPTY, false), 'idle');
  assert.equal(doing(after(HEARD[0]), false), 'hearing');
  assert.equal(doing(after(...HEARD, WORDS), false), 'thinking');
  assert.equal(doing(after(...HEARD, WORDS, ['tool_call', CALL]), false), 'acting');
  assert.equal(doing(after(['confirm_request', {...CALL, say: 'Really?', expires_in_s: 20}]), false), 'asking');
  assert.equal(doing(after(...HEARD, WORDS, ['speech_audio_start', {turn_id: 't1'}]), true), 'speaking');
  assert.equal(doing(after(...HEARD, WORDS, ['speech_audio_start', {turn_id: 't1'}]), false), 'idle');
  assert.equal(doing(afterTyping(EMPTY, 'hello'), false), 'thinking');
});

test('speech has its span in the session’s audio', () => {
  assert.deepEqual(after(...HEARD).spans, [{startMs: 100, endMs: 900}]);
  assert.deepEqual(after(HEARD[0]).spans, [{startMs: 100}]);
});

test('what is degraded is shown until it has recovered', () => {
  const degraded = after(['degraded', {what: 'speech', reason: 'no voice'}]);
  assert.deepEqual(degraded.degraded, {speech: 'no voice'});
  assert.deepEqual(afterEvent(degraded, 'recovered', {what: 'speech'}, 1).degraded, {});
});

test('a mistake of a turn stands with the turn, any other is a notice', () => {
  assert.equal(after(WORDS, ['error', {turn_id: 't1', message: 'it failed'}]).turns[0].error, 'it failed');
  assert.deepEqual(after(['error', {message: 'bad'}]).notice, {kind: 'error', reason: 'bad'});
});

test('events that this page does not know change nothing', () => {
  assert.equal(after(['weather', {}], ['constructor', {}]), EMPTY);
});

test('the oldest turns are forgotten', () => {
  const events = Array.from({length: MAX_TURNS + 5}, (_, at) => ['reply', {turn_id: `t${at}`, text: 'x', truncated: false}]);
  const {turns} = after(...events);
  assert.deepEqual([turns.length, turns[0].id], [MAX_TURNS, 't5']);
});

test('the voice takes what is left until the first sound', () => {
  assert.deepEqual(stagesOf({endpoint: 300, queue: 0, stt: 100, tool: 5, first_audio: 500, total: 900}), {
    stages: [{stage: 'endpoint', ms: 300}, {stage: 'stt', ms: 100}, {stage: 'tool', ms: 5}, {stage: 'voice', ms: 95}], totalMs: 500,
  });
  assert.deepEqual(stagesOf({total: 3}), {stages: [], totalMs: 0});
});

test('the conversation can be saved as text', () => {
  const text = asText(after(...HEARD, WORDS, ['reply', {turn_id: 't1', text: 'Good day.', truncated: false}]), texts);
  assert.match(text, /You: hello\nsayso: Good day\./);
});
