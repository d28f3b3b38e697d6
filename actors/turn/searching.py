"""How a turn looks for a command in the sound of an utterance whose words are none.

What is accepted of what is found is decided in ``protocol/turns/found_sentences.py``.
"""

import logging
from typing import Final

import attrs
import trio

from actors.turn.hearing import expected_words
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.messages.hearing import NoWords, Recognition, Utterance
from protocol.messages.records import Count, Observe
from protocol.messages.searching import FindSentences, FoundSentences, NoSearch, SentenceAutomaton
from protocol.turns.found_sentences import MOST_CONFIDENT, SearchDecision, decide_found
from protocol.turns.questions import open_at
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")
REJECTED: Final = "low_confidence"
"""Why a recogniser has no words where noise has hidden them; of what it takes for no speech nothing is looked for."""
NOT_SEARCHED: Final = SearchDecision("nothing")
DOUBTED: Final = 0.3
"""The confidence of words of which a search is not sure: by default a call for them is confirmed first
(``dialogue.min_confidence``)."""


@attrs.define
class TurnSearch:
    """One turn's part in looking for a command in the sound."""

    turn_id: str
    context: TurnContext
    options: SessionOptions

    async def find(self, heard: Heard) -> SearchDecision:
        """Return the command that was most probably said, if one is probable enough; never raises."""
        if heard.utterance is None or heard.confidence > MOST_CONFIDENT:
            return NOT_SEARCHED
        return await self._search(heard.utterance, heard.first_tokens)

    async def recovered(self, utterance: Utterance, unheard: NoWords) -> Recognition | NoWords:
        """Return a command's sentence in place of words that the recogniser has rejected, if it was surely said."""
        if unheard.reason != REJECTED:
            return unheard
        decision = await self._search(utterance, unheard.first_tokens, is_doubted=True)
        if decision.match is None:
            return unheard
        return Recognition(decision.text, self.options.language, min(DOUBTED, decision.match.confidence))

    async def _search(
        self, utterance: Utterance, first_tokens: tuple[int, ...], *, is_doubted: bool = False
    ) -> SearchDecision:
        """Return what is done about an utterance."""
        automaton = self._automaton()
        if automaton is None or not first_tokens:
            return NOT_SEARCHED
        started_s = trio.current_time()
        found = await self._ask(utterance, first_tokens, automaton)
        decision = NOT_SEARCHED if isinstance(found, NoSearch) else await self._decide(found, is_doubted=is_doubted)
        outcome = found.problem if isinstance(found, NoSearch) else decision.outcome
        log.info("searched for a command: %s", outcome, extra={"turn_id": self.turn_id})
        metrics = self.context.peers.metrics
        metrics.tell_nowait(Count("sentence_searches_total", (outcome,)))
        metrics.tell_nowait(Observe("sentence_search_seconds", (), trio.current_time() - started_s))
        return decision

    def _automaton(self) -> SentenceAutomaton | None:
        """Return what is searched; ``None`` if nothing is to be: while a question is open, its answer is expected."""
        is_wanted = self.options.wants("tools") and self.context.dialogue.search_within_s > 0
        if not is_wanted or open_at(self.context.memory.question, trio.current_time()) is not None:
            return None
        return self.context.grammar.automaton(self.options.language)

    async def _ask(
        self, utterance: Utterance, first_tokens: tuple[int, ...], automaton: SentenceAutomaton
    ) -> FoundSentences | NoSearch:
        within_s = self.context.dialogue.search_within_s
        wanted = FindSentences(
            session_id=self.context.client_view.session_id,
            utterance=utterance,
            language=self.options.language,
            automaton=automaton,
            within_s=within_s,
            first_tokens=first_tokens,
            vocabulary=expected_words(self.context, self.options.language, self.options.options.vocabulary),
            model=self.options.options.stt_model,
        )
        try:
            return await self.context.peers.transcription.ask(wanted, timeout_s=within_s)
        except (AskError, MailboxError) as error:
            log.debug("no search: %s", error)
            return NoSearch("failed")

    async def _decide(self, found: FoundSentences, *, is_doubted: bool) -> SearchDecision:
        """Return what is done; holds the event loop for one parse at a time."""
        search = decide_found(found, self.options.language, is_doubted=is_doubted)
        try:
            asked = next(search)
            while True:
                match = self.context.grammar.match_exactly(asked, self.options.language)
                await trio.lowlevel.checkpoint()
                asked = search.send(match)
        except StopIteration as end:
            decision: SearchDecision = end.value
            return decision
