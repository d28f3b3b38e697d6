"""What of a session goes to another replica: its memory, without what the client sends again; pure.

Rules kept here:

* Audio stays behind: the client has it, and sends it again from ``SessionRecording.from_sample`` on. That is where the
  first words begin which have neither acted nor begun to be answered.
* What has acted is never done again: calls that were begun keep their ids, and their turns end as failed.
* Typed words that have not acted go along.
* Times are written as what was left of them: replicas' clocks have nothing in common.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

import attrs
import msgspec

from protocol.audio.audio_memory import AudioMemory
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.dialects.client_memory import ClientMemory
from protocol.messages.events import ConnectionRequest, ServerEvent, Text, event_name
from protocol.messages.hearing import INTERNAL_RATE_HZ, Recognition
from protocol.messages.identity import LOCAL_USER
from protocol.turns.actions import PendingTurn
from protocol.turns.last_sentence import LastSentence
from protocol.turns.questions import OpenQuestion
from protocol.turns.session_memory import SessionMemory
from protocol.turns.turn_memory import TurnMemory

FORMAT: Final = 1  # of the record; another one is not read
SAMPLES_PER_MS: Final = INTERNAL_RATE_HZ // 1_000
EVENTS: Final = {event_name(kind): kind for kind in get_args(ServerEvent)}


class BadRecord(Exception):
    """The record of a session that cannot be read: of another version, most likely."""


@attrs.frozen(kw_only=True)
class TypedWords:
    """A typed command that has not acted."""

    turn_id: str
    text: str
    attempt: int


@attrs.frozen(kw_only=True)
class SessionRecording:
    """One session as another replica needs it."""

    session_id: str
    tokens: tuple[str, ...]
    """The valid resume tokens, the newest first."""
    user: str
    options: ConnectionRequest
    last_seq: int
    from_sample: int
    """Position in the session's audio, at 16 kHz, from which on it is heard again."""
    arrived_samples: int
    """The same at the client's rate."""
    events: tuple[tuple[int, str, Mapping[str, Any], float], ...] = ()
    """Number, name, fields and age in seconds of the events that are kept for the client."""
    turns: tuple[tuple[str, str], ...] = ()
    calls: Mapping[str, str | None] = attrs.field(factory=dict)
    open_turns: tuple[str, ...] = ()
    """Turns that the client knows of, and not of their end."""
    typed: TypedWords | None = None
    answered: str | None = None
    voice: str | None = None
    task: str | None = None
    question: OpenQuestion | None = None
    sentence: LastSentence | None = None
    last_reply: str | None = None
    kept_words: tuple[Recognition, ...] = ()
    format: int = FORMAT


_decoder: Final = msgspec.msgpack.Decoder(SessionRecording)


def recorded(memory: SessionMemory, now_s: float) -> SessionRecording | None:
    """Return the session as it stands; ``None`` before its handshake, or where its client could not come back."""
    client, turns = memory.client, memory.turns
    if client.options is None or not client.may_resume:
        return None
    from_sample = unsettled_from(memory.audio, turns)
    rate_hz = client.options.audio.sample_rate
    return SessionRecording(
        session_id=client.session_id,
        tokens=client.valid_tokens,
        user=client.user,
        options=client.options,
        voice=client.voice,
        task=client.task,
        last_seq=client.sent.last_seq,
        from_sample=from_sample,
        arrived_samples=min(client.arrived_samples, from_sample * rate_hz // INTERNAL_RATE_HZ),
        events=tuple(
            (seq, event_name(type(event)), attrs.asdict(event, recurse=False), now_s - at_s)
            for seq, event, at_s in client.sent.kept()
        ),
        turns=turns.recent_turns(len(turns)),
        calls=dict(turns.all_calls),
        open_turns=tuple(sorted(client.sent.shown_turns)),
        typed=_typed(turns),
        answered=turns.answered,
        question=_question_shifted(turns.question, -now_s),
        sentence=_sentence_shifted(turns.sentence, -now_s),
        last_reply=turns.last_reply,
        kept_words=turns.kept_words,
    )


def unsettled_from(audio: AudioMemory, turns: TurnMemory) -> int:
    """Return the position at 16 kHz where the first words begin that are to be heard again, or the end if none are."""
    waiting = [start for start, end in audio.handed if end // SAMPLES_PER_MS > turns.taken_ms]
    spoken = [
        start_ms * SAMPLES_PER_MS
        for turn_id, (start_ms, _) in turns.spoken.items()
        if turn_id in turns.open_turns and not turns.is_settled(turn_id)
    ]
    return min([audio.replay_from(), *waiting, *spoken])


def packed(recording: SessionRecording) -> bytes:
    """Return a recording as bytes."""
    return msgspec.msgpack.encode(recording)


def unpacked(record: bytes) -> SessionRecording:
    """Return the recording of ``packed``; raises ``BadRecord``."""
    try:
        recording = _decoder.decode(record)
        for _, name, fields, _ in recording.events:
            msgspec.convert(fields, EVENTS[name])
    except (msgspec.DecodeError, KeyError) as error:
        raise BadRecord(f"the record of a session cannot be read: {error}") from error
    if recording.format != FORMAT:
        raise BadRecord(f"the record of a session must have format {FORMAT}, not {recording.format}")
    return recording


def recalled(recording: SessionRecording, *, seen_seq: int, capacity_samples: int, now_s: float) -> SessionMemory:
    """Return the memory of a session that waits for its client, which has seen the event number ``seen_seq``.

    The client may have seen events that the recording does not know: their numbers are not given to others.
    """
    client = ClientMemory(recording.session_id, recording.tokens[0])
    client.former_token = recording.tokens[1] if len(recording.tokens) > 1 else None
    client.may_resume = client.is_lost = True
    client.user, client.options = recording.user or LOCAL_USER, recording.options
    client.voice, client.task = recording.voice, recording.task
    client.arrived_samples = recording.arrived_samples
    client.sent.shown_turns = set(recording.open_turns)
    client.sent.last_seq = max(recording.last_seq, seen_seq)
    for seq, name, fields, age_s in recording.events:
        client.sent.keep(seq, msgspec.convert(fields, EVENTS[name]), now_s - age_s)
    audio = AudioMemory(PcmBuffer(capacity_samples, recording.from_sample))
    audio.commit(recording.from_sample)
    turns = TurnMemory()
    turns.recall(recording.turns, recording.calls)
    turns.open_turns = set(recording.open_turns)
    turns.answered, turns.last_reply = recording.answered, recording.last_reply
    turns.kept_words = recording.kept_words
    turns.question = _question_shifted(recording.question, now_s)
    turns.sentence = _sentence_shifted(recording.sentence, now_s)
    typed = recording.typed
    if typed is not None:
        turns.open_turns.add(typed.turn_id)
        turns.waiting = PendingTurn(typed.turn_id, Text(typed.text), typed.attempt)
    return SessionMemory(client=client, audio=audio, turns=turns)


def _typed(turns: TurnMemory) -> TypedWords | None:
    """Return what was typed last and has not acted."""
    for pending in (turns.waiting, turns.running):
        if pending is not None and isinstance(pending.said, Text) and not turns.is_settled(pending.turn_id):
            is_again = pending is turns.running
            return TypedWords(turn_id=pending.turn_id, text=pending.said.text, attempt=pending.attempt + is_again)
    return None


def _question_shifted(question: OpenQuestion | None, by_s: float) -> OpenQuestion | None:
    return None if question is None else attrs.evolve(question, until_s=question.until_s + by_s)


def _sentence_shifted(sentence: LastSentence | None, by_s: float) -> LastSentence | None:
    if sentence is None:
        return None
    before = _sentence_shifted(sentence.before, by_s)
    return attrs.evolve(sentence, ended_s=sentence.ended_s + by_s, before=before)
