/**
 * The conversation that the app shows, as plain data: each event of the server gives the next state. Pure.
 *
 * The same rules as those of the page in web/talk/conversation.js: a turn is what was said or typed, and what came of it; its
 * events carry its id. Typed words are not sent back by the server, so they wait in `typed` for the first event of a turn that
 * did not begin with speech.
 */

import type {events} from '@sayso/client';

export const MAX_TURNS = 200;
const MAX_TYPED = 20;

export interface ToolUse {
  callId: string;
  server: string;
  tool: string;
  given: Readonly<Record<string, unknown>>;
  progress?: {done: number; total: number | undefined; message: string | undefined};
  result?: {ok: boolean; durationMs: number; text: string};
}

/** A call that waits for a yes or a no; times as `Date.now`. */
export interface Question {
  callId: string;
  server: string;
  tool: string;
  given: Readonly<Record<string, unknown>>;
  say: string;
  startedAt: number;
  expiresAt: number;
}

/** How a turn ended; `lost` if its session is gone. */
export type Outcome = events.TurnCompleted['outcome'] | 'lost';

export interface Turn {
  id: string;
  startedAt: number;
  said: string;
  /** Of what was said, as the recogniser heard it. */
  language: string | undefined;
  isHearing: boolean;
  tools: readonly ToolUse[];
  question: Question | undefined;
  reply: string;
  isTruncated: boolean;
  isSpeaking: boolean;
  outcome: Outcome | undefined;
  latency: events.LatencyMs | undefined;
  error: string | undefined;
}

/** What is worth a sentence and belongs to no turn. */
export type Notice =
  {kind: 'no_speech'; reason: events.NoSpeech['reason']} | {kind: 'error'; reason: string} | {kind: 'overrun'} | {kind: 'not_sent'} | {kind: 'resumed'}
  | {kind: 'recovered'; reason: string};

export interface Conversation {
  turns: readonly Turn[];
  typed: readonly string[];
  /** Why each part of the service that is degraded is so. */
  degraded: Readonly<Record<string, string>>;
  notice: Notice | undefined;
  /** Whether only the wake word is listened for. */
  isAsleep: boolean;
}

export const EMPTY: Conversation = {turns: [], typed: [], degraded: {}, notice: undefined, isAsleep: false};

type Change = (turn: Turn) => Partial<Turn>;
type Reducers = {[Type in keyof events.ServerEvents]?: (state: Conversation, data: events.ServerEvents[Type], now: number) => Conversation};

function newTurn(id: string, said: string, now: number): Turn {
  return {
    id,
    startedAt: now,
    said,
    language: undefined,
    isHearing: false,
    tools: [],
    question: undefined,
    reply: '',
    isTruncated: false,
    isSpeaking: false,
    outcome: undefined,
    latency: undefined,
    error: undefined,
  };
}

/** Return the state with `change` applied to a turn, which begins now if it is new; only typed turns have words then. */
function withTurn(state: Conversation, id: string, change: Change, now: number, isSpoken = false): Conversation {
  if (state.turns.some((turn) => turn.id === id)) {
    return {...state, turns: state.turns.map((turn) => (turn.id === id ? {...turn, ...change(turn)} : turn))};
  }
  const [said = '', ...typed] = isSpoken ? ['', ...state.typed] : state.typed;
  const turn = newTurn(id, said, now);
  return {...state, typed, turns: [...state.turns, {...turn, ...change(turn)}].slice(-MAX_TURNS)};
}

function changeTool(callId: string, change: Partial<ToolUse>): Change {
  return ({tools}) => ({tools: tools.map((tool) => (tool.callId === callId ? {...tool, ...change} : tool))});
}

/** A turn of sounds without words leaves nothing to show. */
const isEmpty = ({said, reply, tools, error}: Turn) => said === '' && reply === '' && tools.length === 0 && error === undefined;

/** A turn of a session that is gone will never be completed. */
function abandoned(turn: Turn): Turn {
  if (turn.outcome !== undefined) return turn;
  return {...turn, outcome: 'lost', isHearing: false, isSpeaking: false, question: undefined};
}

const BY_EVENT: Reducers = {
  connection_accepted: (state, {resumed}) =>
    resumed ? {...state, notice: {kind: 'resumed'}} : {...state, typed: [], degraded: {}, isAsleep: false, turns: state.turns.map(abandoned)},
  speech_started: (state, {turn_id}, now) => ({...withTurn(state, turn_id, () => ({isHearing: true}), now, true), notice: undefined}),
  speech_stopped: (state, {turn_id}, now) => withTurn(state, turn_id, () => ({isHearing: false}), now, true),
  transcript_partial: (state, {turn_id, text}, now) => withTurn(state, turn_id, () => ({said: text}), now, true),
  transcript: (state, {turn_id, text, language}, now) => withTurn(state, turn_id, () => ({said: text, language}), now, true),
  no_speech: (state, {reason}) => ({...state, notice: {kind: 'no_speech', reason}}),
  understood: (state, {turn_id}, now) => withTurn(state, turn_id, () => ({}), now),
  confirm_request: (state, {turn_id, call_id, server, tool, arguments: given, say, expires_in_s}, now) => {
    const question = {callId: call_id, server, tool, given, say, startedAt: now, expiresAt: now + 1_000 * expires_in_s};
    return withTurn(state, turn_id, () => ({question}), now);
  },
  tool_call: (state, {turn_id, call_id, server, tool, arguments: given}, now) => {
    const called = (tools: readonly ToolUse[]) => [
      ...tools.filter(({callId}) => callId !== call_id),
      {callId: call_id, server, tool, given},
    ];
    return withTurn(state, turn_id, ({tools}) => ({question: undefined, tools: called(tools)}), now);
  },
  tool_progress: (state, {turn_id, call_id, done, total, message}, now) =>
    withTurn(state, turn_id, changeTool(call_id, {progress: {done, total, message}}), now),
  tool_result: (state, {turn_id, call_id, ok, duration_ms, content, error}, now) =>
    withTurn(state, turn_id, changeTool(call_id, {result: {ok, durationMs: duration_ms, text: (ok ? content : error) ?? ''}}), now),
  reply_delta: (state, {turn_id, text}, now) => withTurn(state, turn_id, ({reply}) => ({reply: reply + text}), now),
  reply: (state, {turn_id, text, truncated}, now) => withTurn(state, turn_id, () => ({reply: text, isTruncated: truncated}), now),
  speech_audio_start: (state, {turn_id}, now) => withTurn(state, turn_id, () => ({isSpeaking: true}), now),
  turn_completed: (state, {turn_id, outcome, latency_ms}, now) => {
    const done = {outcome, latency: latency_ms, isHearing: false, isSpeaking: false, question: undefined};
    const ended = withTurn(state, turn_id, () => done, now);
    return {...ended, turns: ended.turns.filter((turn) => turn.id !== turn_id || !isEmpty(turn))};
  },
  error: (state, {turn_id, message}, now) =>
    turn_id === undefined ? {...state, notice: {kind: 'error', reason: message}} : withTurn(state, turn_id, () => ({error: message}), now),
  wake_state: (state, {state: now}) => ({...state, isAsleep: now === 'asleep'}),
  audio_overrun: (state) => ({...state, notice: {kind: 'overrun'}}),
  degraded: (state, {what, reason}) => ({...state, degraded: {...state.degraded, [what]: reason}}),
  recovered: (state, {what}) => {
    const {[what]: known, ...degraded} = state.degraded;
    return {...state, degraded, notice: known === undefined ? state.notice : {kind: 'recovered', reason: what}};
  },
};

/** Return the state after an event of the server, which may be one that this app does not know; `now` in ms. */
export function afterEvent(state: Conversation, type: string, data: unknown, now: number): Conversation {
  const reduce = Object.hasOwn(BY_EVENT, type) ? BY_EVENT[type as keyof events.ServerEvents] : undefined;
  return (reduce as ((state: Conversation, data: unknown, now: number) => Conversation) | undefined)?.(state, data, now) ?? state;
}

/** Return the state after a typed command was sent. */
export function afterTyping(state: Conversation, text: string): Conversation {
  return {...state, notice: undefined, typed: [...state.typed, text].slice(-MAX_TYPED)};
}

export function withNotice(state: Conversation, notice: Notice | undefined): Conversation {
  return {...state, notice};
}

/** Return the question that waits for a yes or no, unless its time is over. */
export function openQuestion({turns}: Conversation, now: number): Question | undefined {
  return turns.findLast(({question}) => question !== undefined && question.expiresAt > now)?.question;
}

export type Doing = 'hearing' | 'asking' | 'acting' | 'speaking' | 'thinking' | 'idle';

/** Return what the conversation does now. */
export function doing(state: Conversation, isPlaying: boolean, now: number): Doing {
  const open = state.turns.filter(({outcome}) => outcome === undefined);
  if (open.some(({isHearing}) => isHearing)) return 'hearing';
  if (openQuestion(state, now) !== undefined) return 'asking';
  if (open.some(({tools}) => tools.some(({result}) => result === undefined))) return 'acting';
  if (isPlaying) return 'speaking';
  return open.some(({isSpeaking}) => !isSpeaking) || state.typed.length > 0 ? 'thinking' : 'idle';
}

export const STAGES = ['endpoint', 'queue', 'stt', 'understand', 'first_token', 'tool', 'voice'] as const;
export type Stage = (typeof STAGES)[number];

/** Return a turn's stages in ms, in order, and the ms until the first sound or the end; `voice` is what is left of them. */
export function stagesOf(latency: events.LatencyMs): {stages: {stage: Stage; ms: number}[]; totalMs: number} {
  const stages = STAGES.flatMap((stage) => {
    const ms = stage === 'voice' ? 0 : (latency[stage] ?? 0);
    return ms > 0 ? [{stage, ms}] : [];
  });
  const sum = stages.reduce((total, {ms}) => total + ms, 0);
  const voiceMs = latency.first_audio === undefined ? 0 : latency.first_audio - sum;
  if (voiceMs >= 1) stages.push({stage: 'voice', ms: voiceMs});
  return {stages, totalMs: Math.max(sum, latency.first_audio ?? 0)};
}
