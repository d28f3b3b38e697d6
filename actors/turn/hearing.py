"""How a turn hears: an utterance in, the transcript shown and returned.

Most utterances are transcribed before it is sure that they have ended: in the silence that decides it. If the voice
goes on, that was for nothing, and nobody sees it.
"""

import logging

import attrs
import trio

from actors.turn.kit import TurnKit, Wishes
from protocol import events
from protocol.messages import NoWords, Transcribe, Transcript, Utterance
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")


@attrs.define(eq=False)
class EarlyHearing:
    """One utterance transcribed in the hope that it has ended."""

    utterance: Utterance
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _over: trio.Event = attrs.field(factory=trio.Event)
    _answer: Transcript | NoWords | None = None

    async def run(self, kit: TurnKit, wishes: Wishes) -> None:
        """Ask; no answer is no harm, because the utterance is transcribed again when it has ended."""
        try:
            with self._scope:
                self._answer = await ask(kit, wishes, self.utterance, is_early=True)
        except (AskError, MailboxError) as error:
            log.debug("nothing heard early: %s", error)
        finally:
            self._over.set()

    def give_up(self) -> None:
        """The voice goes on."""
        self._scope.cancel()

    async def answer_for(self, utterance: Utterance) -> Transcript | NoWords | None:
        """Return the answer if this was about ``utterance`` and there is one."""
        if (self.utterance.start_ms, self.utterance.end_ms) != (utterance.start_ms, utterance.end_ms):
            return None
        await self._over.wait()
        return self._answer


async def ask(kit: TurnKit, wishes: Wishes, utterance: Utterance, *, is_early: bool = False) -> Transcript | NoWords:
    """Have an utterance transcribed; raises ``AskError`` or ``MailboxError``."""
    request = Transcribe(
        kit.memory.session_id,
        utterance,
        language=wishes.options.language,
        vocabulary=kit.grammar.vocabulary(wishes.language),
        is_early=is_early,
    )
    answer: Transcript | NoWords = await kit.peers.transcription.ask(
        request, timeout_s=kit.dialogue.turn_timeout_s, linked=True
    )
    return answer


async def transcribe(
    kit: TurnKit, wishes: Wishes, turn_id: str, utterance: Utterance, early: EarlyHearing | None = None
) -> Transcript | None:
    """Return what was said, and show it; ``None`` if it was nothing. Raises ``AskError`` or ``MailboxError``."""
    answer = None if early is None else await early.answer_for(utterance)
    if answer is None:
        answer = await ask(kit, wishes, utterance)
    if isinstance(answer, NoWords):
        await kit.show_no_speech(turn_id, answer.reason)
        return None
    span = events.AudioSpan(utterance.start_ms, utterance.end_ms)
    shown = events.Transcript(turn_id, answer.text, answer.language, answer.confidence, span)
    await kit.show(shown)
    return answer


async def hear(kit: TurnKit, wishes: Wishes, turn_id: str, utterance: Utterance) -> str | None:
    """Return the words alone."""
    transcript = await transcribe(kit, wishes, turn_id, utterance)
    return None if transcript is None else transcript.text
