// Generated from `sayso schema` by generate.mjs: do not edit, run `npm run generate`.

/** The first frame of every connection. */
export interface ConnectionRequest {
  client_id: string;
  capabilities: ('llm' | 'stt' | 'tools' | 'tts')[];
  audio?: AudioFormat;
  language?: string;
  mode?: 'hands_free' | 'push_to_talk';
  interim?: boolean;
  stt_model?: string;
  word_times?: boolean;
  speech_format?: 'opus' | 'pcm_s16le';
  wake?: string;
  answers?: 'auto' | 'on_request';
  vocabulary?: string[];
  instructions?: string;
  announcements?: boolean;
  tools?: ClientTool[];
  tool_choice?: string;
  resume?: Resume;
}

/** The format of the samples in binary frames. */
export interface AudioFormat {
  format?: 'opus' | 'pcm_f32le' | 'pcm_s16le';
  sample_rate?: number;
  channels?: 1 | 2;
}

/** A tool that the client executes: its name, what it does, and a JSON Schema of its arguments. */
export interface ClientTool {
  name: string;
  description?: string;
  parameters?: Record<string, unknown>;
}

/** Which session to re-attach, and the last event the client has seen. */
export interface Resume {
  token: string;
  last_seq: number;
}

/** Push-to-talk: the button went down. */
export type AudioStart = Record<string, never>;

/** Push-to-talk: the button went up; the utterance is committed at once. */
export type AudioEnd = Record<string, never>;

/** Forget the speech that is going on; what was committed is answered. */
export type AudioDiscard = Record<string, never>;

/** A typed command. */
export interface Text {
  text: string;
  answers?: 'auto' | 'on_request';
}

/** Answer now: what was said since the last answer, or without that by `instructions` alone. */
export interface Respond {
  instructions?: string;
  capabilities?: ('llm' | 'stt' | 'tools' | 'tts')[];
  tools?: ClientTool[];
  tool_choice?: string;
}

/** Barge-in by hand; `heard_ms` is how much of the answer was heard. */
export interface Interrupt {
  heard_ms?: number;
}

/** The answer to a `ConfirmRequest`. */
export interface Confirm {
  call_id: string;
  approve: boolean;
}

/** What a tool of the client has returned, or why it could not be called. */
export interface ToolOutput {
  call_id: string;
  output?: string;
  error?: string;
}

/** Changes options of a live session; absent ones stay as they are. */
export interface SessionUpdate {
  capabilities?: ('llm' | 'stt' | 'tools' | 'tts')[];
  audio?: AudioFormat;
  language?: string;
  mode?: 'hands_free' | 'push_to_talk';
  interim?: boolean;
  stt_model?: string;
  word_times?: boolean;
  speech_format?: 'opus' | 'pcm_s16le';
  wake?: string;
  answers?: 'auto' | 'on_request';
  vocabulary?: string[];
  instructions?: string;
  voice?: string;
  task?: string;
  tools?: ClientTool[];
  tool_choice?: string;
}

/** Asks for a `Pong` with the same `t`. */
export interface Ping {
  t?: number | string;
}

/** A polite end: finish the turn, flush, close 1000. */
export type Bye = Record<string, never>;

/** The session is open. */
export interface ConnectionAccepted {
  session_id: string;
  resume_token: string;
  resume_window_s: number;
  server: ServerInfo;
  audio: ServerAudioFormat;
  limits: SessionLimits;
  protocol: number;
  resumed: boolean;
  received_samples: number;
  wake?: string;
  wake_words?: string[];
}

/** Name and version of the server. */
export interface ServerInfo {
  name: string;
  version: string;
  replica?: string;
}

/** The format of the samples in binary frames. */
export interface ServerAudioFormat {
  format: 'opus' | 'pcm_f32le' | 'pcm_s16le';
  sample_rate: number;
  channels: 1 | 2;
}

/** The limits of this session. */
export interface SessionLimits {
  max_message_bytes: number;
  max_utterance_s: number;
  idle_timeout_s: number;
}

/** No session; the socket closes with 1013 after this. */
export interface ConnectionRefused {
  reason: string;
  retry_after_ms: number;
}

/** Samples received and safe so far, at the client's rate. */
export interface AudioAck {
  samples: number;
}

/** The wake word was heard; it ended `at_ms` into the session's audio, at `at_sample` at the client's rate. */
export interface WakeDetected {
  word: string;
  at_ms: number;
  at_sample: number;
}

/** Whether speech is taken now; sent with each change to a client that has a wake word. */
export interface WakeState {
  state: 'asleep' | 'listening';
  for_s?: number;
}

/** Speech began, `at_ms` into the session's audio. */
export interface SpeechStarted {
  turn_id: string;
  at_ms: number;
}

/** The utterance ended. */
export interface SpeechStopped {
  turn_id: string;
  at_ms: number;
  reason: 'command_complete' | 'manual' | 'max_length' | 'silence' | 'stalled';
}

/** `AudioEnd` came and ended no utterance: of the audio before `at_ms` everything is told already. */
export interface NothingCommitted {
  at_ms: number;
}

/** The transcript so far, while speech goes on; it only grows. */
export interface TranscriptPartial {
  turn_id: string;
  text: string;
}

/** The final text of an utterance. */
export interface Transcript {
  turn_id: string;
  text: string;
  language: string;
  confidence: number;
  audio: AudioSpan;
  words?: Word[];
}

/** A stretch of the session's audio. */
export interface AudioSpan {
  start_ms: number;
  end_ms: number;
}

/** One word of a transcript, and when it was said, from the beginning of the session's audio. */
export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
  confidence: number;
}

/** There was sound but no words in it. */
export interface NoSpeech {
  turn_id: string;
  reason: 'discarded' | 'hallucination' | 'low_confidence' | 'no_command' | 'noise' | 'too_short';
}

/** The source that understood the transcript, and its intent. */
export interface Understood {
  turn_id: string;
  source: 'command' | 'meaning' | 'model';
  confidence: number;
  tool?: string;
  arguments?: Record<string, unknown>;
  amends?: string;
}

/** The user must agree before this call is made. */
export interface ConfirmRequest {
  turn_id: string;
  call_id: string;
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  say: string;
  expires_in_s: number;
}

/** A tool is being called. One of the server `client` is the client's own, which answers with `ToolOutput`. */
export interface ToolCall {
  turn_id: string;
  call_id: string;
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  undoes?: string;
}

/** The progress of the call, if its server reports it. */
export interface ToolProgress {
  turn_id: string;
  call_id: string;
  done: number;
  total?: number;
  message?: string;
}

/** The tool's result. */
export interface ToolResult {
  turn_id: string;
  call_id: string;
  ok: boolean;
  duration_ms: number;
  content?: string;
  error?: string;
}

/** More of the answer's text. */
export interface ReplyDelta {
  turn_id: string;
  text: string;
}

/** The whole answer's text. */
export interface Reply {
  turn_id: string;
  text: string;
  truncated: boolean;
}

/** The turn asks back; what is said or typed next may answer it, for so long after the turn is completed. */
export interface Question {
  turn_id: string;
  text: string;
  open_for_s: number;
  choices?: string[];
}

/** Binary frames of the answer's speech follow. */
export interface SpeechAudioStart {
  turn_id: string;
  format: 'opus' | 'pcm_f32le' | 'pcm_s16le';
  sample_rate: number;
}

/** The answer's speech is complete, or was cut off. */
export interface SpeechAudioEnd {
  turn_id: string;
}

/** The user speaks: stop playing, and drop audio that was not played; it is sent again if it was no speech. */
export interface SpeechAudioPaused {
  turn_id: string;
}

/** It was no speech: the answer goes on from `at_ms`, the beginning of the clause that was cut. */
export interface SpeechAudioResumed {
  turn_id: string;
  at_ms: number;
}

/** Exactly one of these ends every turn. */
export interface TurnCompleted {
  turn_id: string;
  outcome: 'done' | 'failed' | 'interrupted' | 'no_speech' | 'refused';
  latency_ms: LatencyMs;
}

/** Stage latencies of a turn in ms; a stage that did not happen is absent. */
export interface LatencyMs {
  endpoint?: number;
  queue?: number;
  stt?: number;
  understand?: number;
  first_token?: number;
  tool?: number;
  first_audio?: number;
  total?: number;
}

/** Sent every few seconds so that a silent client knows that the server lives. */
export interface Status {
  load_level: number;
  sessions: number;
  uptime_s: number;
}

/** A part of the service is degraded. */
export interface Degraded {
  what: string;
  reason: string;
}

/** The part works normally again. */
export interface Recovered {
  what: string;
  reason: string;
}

/** Audio that the server could not take; the socket closes with 4100 after this. */
export interface AudioOverrun {
  from_sample: number;
  to_sample: number;
}

/** The server is leaving; come back with the token. */
export interface GoingAway {
  reason: string;
  deadline_ms: number;
  resume_token: string;
  retry_after_ms: number;
}

/** The answer to `Ping`. */
export interface Pong {
  t?: number | string;
}

/** A mistake of the client, or a failure of its turn, in words. */
export interface Error {
  code: string;
  message: string;
  fatal: boolean;
  turn_id?: string;
  retry_after_ms?: number;
  event_id?: string;
}

/** What a client may send: the data of each event by its name on the wire. */
export interface ClientEvents {
  connection_request: ConnectionRequest;
  audio_start: AudioStart;
  audio_end: AudioEnd;
  audio_discard: AudioDiscard;
  text: Text;
  respond: Respond;
  interrupt: Interrupt;
  confirm: Confirm;
  tool_output: ToolOutput;
  session_update: SessionUpdate;
  ping: Ping;
  bye: Bye;
}

/** What the server sends: the data of each event by its name on the wire. */
export interface ServerEvents {
  connection_accepted: ConnectionAccepted;
  connection_refused: ConnectionRefused;
  audio_ack: AudioAck;
  wake_detected: WakeDetected;
  wake_state: WakeState;
  speech_started: SpeechStarted;
  speech_stopped: SpeechStopped;
  nothing_committed: NothingCommitted;
  transcript_partial: TranscriptPartial;
  transcript: Transcript;
  no_speech: NoSpeech;
  understood: Understood;
  confirm_request: ConfirmRequest;
  tool_call: ToolCall;
  tool_progress: ToolProgress;
  tool_result: ToolResult;
  reply_delta: ReplyDelta;
  reply: Reply;
  question: Question;
  speech_audio_start: SpeechAudioStart;
  speech_audio_end: SpeechAudioEnd;
  speech_audio_paused: SpeechAudioPaused;
  speech_audio_resumed: SpeechAudioResumed;
  turn_completed: TurnCompleted;
  status: Status;
  degraded: Degraded;
  recovered: Recovered;
  audio_overrun: AudioOverrun;
  going_away: GoingAway;
  pong: Pong;
  error: Error;
}
