"""How a turn hears: an utterance in, the transcript shown and returned."""

from actors.turn.kit import TurnKit, Wishes
from protocol import events
from protocol.messages import NoWords, Transcribe, Transcript, Utterance


async def transcribe(kit: TurnKit, wishes: Wishes, turn_id: str, utterance: Utterance) -> Transcript | None:
    """Return what was said, and show it; ``None`` if it was nothing. Raises ``AskError`` or ``MailboxError``."""
    request = Transcribe(
        kit.memory.session_id,
        utterance,
        language=wishes.options.language,
        vocabulary=kit.grammar.vocabulary(wishes.language),
    )
    answer = await kit.peers.transcription.ask(request, timeout_s=kit.dialogue.turn_timeout_s, linked=True)
    if isinstance(answer, NoWords):
        await kit.show_no_speech(turn_id, answer.reason)
        return None
    transcript: Transcript = answer
    span = events.AudioSpan(utterance.start_ms, utterance.end_ms)
    shown = events.Transcript(turn_id, transcript.text, transcript.language, transcript.confidence, span)
    await kit.show(shown)
    return transcript


async def hear(kit: TurnKit, wishes: Wishes, turn_id: str, utterance: Utterance) -> str | None:
    """Return the words alone."""
    transcript = await transcribe(kit, wishes, turn_id, utterance)
    return None if transcript is None else transcript.text
