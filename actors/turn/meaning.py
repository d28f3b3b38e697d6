"""How a turn asks what its words mean that are no command; see ``protocol/turns/meaning.py`` for what it does then."""

import logging
from typing import Final

import attrs

from actors.turn.turn_context import Heard, TurnContext
from protocol.messages.meaning import ReadMeaning
from protocol.turns.meaning import GO_ON, MeantDecision, decide_meaning
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")
WITHIN_S: Final = 11.0  # longer than understanding.timeout_s can be


@attrs.define
class TurnMeaning:
    """One turn's part in understanding by meaning."""

    turn_id: str
    context: TurnContext

    async def read(self, heard: Heard) -> MeantDecision:
        """Return what is done with words that are no command, by their meaning; never raises."""
        try:
            meaning = await self.context.peers.meaning.ask(ReadMeaning(heard.text, heard.language), timeout_s=WITHIN_S)
        except (AskError, MailboxError) as error:
            log.info("no meaning: %s", error, extra={"turn_id": self.turn_id})
            return GO_ON
        if meaning is None:
            return GO_ON
        match = self.context.grammar.meant(meaning, (heard.text, *heard.alternatives), heard.language)
        return decide_meaning(meaning, match)
