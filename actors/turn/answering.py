"""Speech that is answered on request: it is heard and kept, and a request takes what was kept.

An utterance that is only heard has a turn of its own, which ends with its transcript. The words stay in the session's
memory until a turn has answered them.
"""

import logging

import attrs
import trio

from actors.turn.hearing import EarlyTranscription, ask_unless_early, show
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.messages import events
from protocol.messages.hearing import Recognition, UtteranceEnded
from protocol.messages.session import Announce
from protocol.turns.actions import PendingTurn
from protocol.turns.turn_report import TurnReport
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")

Said = UtteranceEnded | events.Text | events.Respond | Announce


async def only_hear(
    context: TurnContext, options: SessionOptions, pending: PendingTurn, early: EarlyTranscription | None
) -> None:
    """Show what was said and keep it, or say why it could not be heard; complete its turn."""
    report = TurnReport(pending.turn_id, spoken(pending).last_voice_s)
    report.mark_until("endpoint", trio.current_time())
    outcome = await _hear(context, options, pending, report, early)
    report.mark_until("total", trio.current_time())
    await context.show(report.completed(outcome))
    context.peers.metrics.tell_nowait(context.record_of(report, outcome))


async def _hear(
    context: TurnContext,
    options: SessionOptions,
    pending: PendingTurn,
    report: TurnReport,
    early: EarlyTranscription | None,
) -> events.Outcome:
    """Transcribe, show and keep; return how that went."""
    utterance = spoken(pending).utterance
    wait_s = await context.guard.count()
    if wait_s > 0:
        await context.refuse_turn(pending.turn_id, wait_s)
        return "refused"
    began_s = trio.current_time()
    try:
        found = pending.heard or await ask_unless_early(context, options, utterance, early)
    except (AskError, MailboxError) as error:
        log.warning("not transcribed: %s", error, extra={"turn_id": pending.turn_id})
        await context.show(events.Error("turn_failed", str(error), turn_id=pending.turn_id))
        return "failed"
    heard = await show(context, options, pending.turn_id, utterance, found)
    if heard is None:
        return "no_speech"
    took_s = trio.current_time() - began_s
    queue_s = min(heard.queue_s, took_s)  # an early transcription caused no wait
    report.mark("queue", queue_s)
    report.mark("stt", took_s - queue_s)
    context.memory.keep_words(heard)
    return "done"


def spoken(pending: PendingTurn) -> UtteranceEnded:
    """Return the utterance that a turn begins with; ``TypeError`` if it begins with anything else."""
    if not isinstance(pending.said, UtteranceEnded):
        raise TypeError(f"only speech is transcribed, not {type(pending.said).__name__}")
    return pending.said


def options_of(said: Said, options: SessionOptions) -> SessionOptions:
    """Return the options that hold for the answer to this: a request may name other capabilities and tools."""
    if not isinstance(said, events.Respond):
        return options
    named = {name: getattr(said, name) for name in ("capabilities", "tools", "tool_choice")}
    wanted = {name: value for name, value in named.items() if value is not None}
    return attrs.evolve(options, options=attrs.evolve(options.options, **wanted)) if wanted else options


def words_kept(kept: tuple[Recognition, ...], language: str, now_s: float) -> Heard:
    """Return the words that a request is about, as one sentence; empty if nothing was said.

    >>> words_kept((Recognition("Set a timer", "en", 0.9), Recognition("for tea.", "en", 0.8)), "en", 0.0).text
    'Set a timer for tea.'
    """
    if not kept:
        return Heard("", language=language, said_s=now_s)
    alternatives = kept[0].alternatives if len(kept) == 1 else ()
    text, confidence = " ".join(heard.text for heard in kept), min(heard.confidence for heard in kept)
    return Heard(text, alternatives, confidence, language, now_s, kept=kept)
