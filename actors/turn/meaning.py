"""How a turn asks what its words mean that are no command; see ``protocol/turns/meaning.py`` for what it does then."""

import logging

import attrs

from actors.turn.turn_context import Heard, TurnContext
from protocol.messages.meaning import ReadMeaning
from protocol.turns.meaning import GO_ON, MeantDecision, Thresholds, decide_meaning
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")
GRACE_S = 0.1  # for the way to the worker and back, besides the worker's own time


@attrs.define
class TurnMeaning:
    """One turn's part in understanding by meaning."""

    turn_id: str
    context: TurnContext

    async def read(self, heard: Heard) -> MeantDecision:
        """Return what is done with words that are no command, by their meaning; never raises."""
        settings = self.context.understanding
        if not settings.meaning:
            return GO_ON
        try:
            meaning = await self.context.peers.meaning.ask(
                ReadMeaning(heard.text, heard.language), timeout_s=settings.timeout_s + GRACE_S
            )
        except (AskError, MailboxError) as error:
            log.info("no meaning: %s", error, extra={"turn_id": self.turn_id})
            return GO_ON
        if meaning is None:
            return GO_ON
        match = self.context.grammar.meant(meaning, (heard.text, *heard.alternatives), heard.language)
        return decide_meaning(meaning, match, Thresholds(settings.sure, settings.likely, settings.own))
