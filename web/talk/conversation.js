/**
 * The conversation that the page shows, as plain data: each event of the server gives the next state. Pure.
 *
 * A turn is what was said or typed, and what came of it; its events carry its id. Typed words are not sent back by the
 * server, so they wait in `typed` for the first event of a turn that did not begin with speech.
 */

export const MAX_TURNS = 200;
const MAX_TYPED = 20;

export const EMPTY = {
  turns: [],
  typed: [],
  degraded: {},
  /** What is worth a sentence and belongs to no turn: {kind, reason?}. */
  notice: undefined,
  /** Speech without an end yet, and the last spans of it, in ms of the session's audio. */
  spans: [],
  /** Whether only the wake word is listened for. */
  isAsleep: false,
};
const MAX_SPANS = 20;

const newTurn = (id, said, now) => ({
  id, startedAt: now, said, isFinal: said !== '', isHearing: false, tools: [], confirm: undefined, reply: '', truncated: false,
  isSpeaking: false, outcome: undefined, latency: undefined, error: undefined, source: undefined, confidence: undefined,
});

/** Return the state with `change` applied to a turn, which begins now if it is new; only typed turns have words then. */
function withTurn(state, id, change, now, isSpoken = false) {
  const isKnown = state.turns.some((turn) => turn.id === id);
  if (isKnown) return {...state, turns: state.turns.map((turn) => (turn.id === id ? {...turn, ...change(turn)} : turn))};
  const [said = '', ...typed] = isSpoken ? ['', ...state.typed] : state.typed;
  const turn = newTurn(id, said, now);
  return {...state, typed, turns: [...state.turns, {...turn, ...change(turn)}].slice(-MAX_TURNS)};
}

const changeTool = (callId, change) => (turn) => ({
  tools: turn.tools.map((tool) => (tool.callId === callId ? {...tool, ...change} : tool)),
});

/** A turn of sounds without words leaves nothing to show. */
const isEmpty = ({said, isFinal, reply, tools, error}) => (said === '' || !isFinal) && reply === '' && tools.length === 0 && error === undefined;

const BY_EVENT = {
  connection_accepted: (state, {resumed}) =>
    resumed ? {...state, notice: {kind: 'resumed'}} : {...state, isAsleep: false, spans: [], typed: [], degraded: {}, turns: state.turns.map(abandoned)},
  speech_started: (state, {turn_id, at_ms}, now) => {
    const begun = withTurn(state, turn_id, () => ({isHearing: true}), now, true);
    return {...begun, notice: undefined, spans: [...state.spans, {startMs: at_ms}].slice(-MAX_SPANS)};
  },
  speech_stopped: (state, {turn_id, at_ms}, now) => ({
    ...withTurn(state, turn_id, () => ({isHearing: false}), now),
    spans: state.spans.map((span) => (span.endMs === undefined ? {...span, endMs: at_ms} : span)),
  }),
  transcript_partial: (state, {turn_id, text}, now) => withTurn(state, turn_id, () => ({said: text}), now),
  transcript: (state, {turn_id, text, language}, now) =>
    withTurn(state, turn_id, () => ({said: text, language, isFinal: true}), now, true),
  no_speech: (state, {reason}) => ({...state, notice: {kind: 'no_speech', reason}}),
  understood: (state, {turn_id, source, confidence}, now) => withTurn(state, turn_id, () => ({source, confidence}), now),
  confirm_request: (state, {turn_id, call_id, server, tool, arguments: given = {}, say, expires_in_s}, now) =>
    withTurn(state, turn_id, () => ({
      confirm: {callId: call_id, server, tool, given, say, startedAt: now, expiresAt: now + 1_000 * expires_in_s},
    }), now),
  tool_call: (state, {turn_id, call_id, server, tool, arguments: given = {}}, now) =>
    withTurn(state, turn_id, ({tools}) => ({
      confirm: undefined, tools: [...tools.filter(({callId}) => callId !== call_id), {callId: call_id, server, tool, given}],
    }), now),
  tool_progress: (state, {turn_id, call_id, done, total, message}, now) =>
    withTurn(state, turn_id, changeTool(call_id, {progress: {done, total, message}}), now),
  tool_result: (state, {turn_id, call_id, ok, duration_ms, content, error}, now) =>
    withTurn(state, turn_id, changeTool(call_id, {result: {ok, durationMs: duration_ms, text: (ok ? content : error) ?? ''}}), now),
  reply_delta: (state, {turn_id, text}, now) => withTurn(state, turn_id, ({reply}) => ({reply: reply + text}), now),
  reply: (state, {turn_id, text, truncated}, now) => withTurn(state, turn_id, () => ({reply: text, truncated}), now),
  question: (state, {turn_id, text, open_for_s, choices = []}, now) =>
    withTurn(state, turn_id, () => ({question: {text, choices, openForMs: 1_000 * open_for_s}}), now),
  speech_audio_start: (state, {turn_id}, now) => withTurn(state, turn_id, () => ({isSpeaking: true}), now),
  turn_completed: (state, {turn_id, outcome, latency_ms}, now) => {
    const done = ({question}) => ({
      outcome, latency: latency_ms, isHearing: false, isSpeaking: false, confirm: undefined,
      ...(question === undefined ? {} : {question: {...question, until: now + question.openForMs}}),
    });
    const ended = withTurn(state, turn_id, done, now);
    return {...ended, turns: ended.turns.filter((turn) => turn.id !== turn_id || !isEmpty(turn))};
  },
  error: (state, {turn_id, message}, now) =>
    turn_id === undefined
      ? {...state, notice: {kind: 'error', reason: message}}
      : withTurn(state, turn_id, () => ({error: message}), now),
  wake_state: (state, {state: now}) => ({...state, isAsleep: now === 'asleep'}),
  audio_overrun: (state) => ({...state, notice: {kind: 'overrun'}}),
  degraded: (state, {what, reason}) => ({...state, degraded: {...state.degraded, [what]: reason}}),
  recovered: (state, {what}) => {
    const {[what]: known, ...degraded} = state.degraded;
    return {...state, degraded, notice: known === undefined ? state.notice : {kind: 'recovered', reason: what}};
  },
};

/** A turn of a session that is gone will never be completed. */
function abandoned(turn) {
  if (turn.outcome !== undefined) return turn;
  return {...turn, outcome: 'lost', isHearing: false, isSpeaking: false, confirm: undefined};
}

/** Return the state after an event of the server; `now` in ms. */
export function afterEvent(state, type, data, now) {
  return Object.hasOwn(BY_EVENT, type) ? BY_EVENT[type](state, data, now) : state;
}

/** Return the state after a typed command was sent. */
export function afterTyping(state, text) {
  return {...state, notice: undefined, typed: [...state.typed, text].slice(-MAX_TYPED)};
}

/** Return the turn whose call waits for a yes or no. */
export const askingTurn = ({turns}) => turns.findLast(({confirm}) => confirm !== undefined);

/** Return the question with choices that the next words may answer: that of the last turn, until it lapses. */
export function openQuestion({turns, typed}, now) {
  const last = turns.at(-1);
  const {question, outcome} = last ?? {};
  const isOver = question === undefined || question.until <= now || (outcome !== undefined && question.until === undefined);
  return isOver || typed.length > 0 || question.choices.length === 0 ? undefined : question;
}

/** Return what the conversation does now: asking, hearing, acting, speaking, thinking or nothing (`idle`). */
export function doing(state, isPlaying) {
  const open = state.turns.filter(({outcome}) => outcome === undefined);
  if (open.some(({isHearing}) => isHearing)) return 'hearing';
  if (askingTurn(state) !== undefined) return 'asking';
  if (open.some(({tools}) => tools.some(({result}) => result === undefined))) return 'acting';
  if (isPlaying) return 'speaking';
  const isWorking = ({isSpeaking}) => !isSpeaking;
  return open.some(isWorking) || state.typed.length > 0 ? 'thinking' : 'idle';
}

const STAGES = ['endpoint', 'queue', 'stt', 'understand', 'first_token', 'tool'];

/**
 * Return a turn's stages in ms, in order, as [{stage, ms}], and the ms until the first sound or the end.
 *
 * `voice` is what is left until the first sound.
 */
export function stagesOf(latency) {
  const stages = STAGES.filter((stage) => latency[stage] > 0).map((stage) => ({stage, ms: latency[stage]}));
  const sum = stages.reduce((total, {ms}) => total + ms, 0);
  const voiceMs = latency.first_audio === undefined ? 0 : latency.first_audio - sum;
  if (voiceMs >= 1) stages.push({stage: 'voice', ms: voiceMs});
  return {stages, totalMs: Math.max(sum, latency.first_audio ?? 0)};
}

/** Return the conversation as plain text; `texts` are those of the page's language. */
export function asText({turns}, texts) {
  const lines = turns.flatMap(({startedAt, said, tools, reply, error}) => [
    `[${new Date(startedAt).toLocaleTimeString(texts.code)}]`,
    ...(said === '' ? [] : [`${texts.you}: ${said}`]),
    ...tools.map(({server, tool, given, result}) => `  ${server}/${tool} ${JSON.stringify(given)} -> ${result?.text ?? '…'}`),
    ...(reply === '' ? [] : [`${texts.answer}: ${reply}`]),
    ...(error === undefined ? [] : [`  ${error}`]),
    '',
  ]);
  return lines.join('\n');
}
