"""How transcription has a worker look for the sentences of a grammar in an utterance.

Rules kept here:

* It waits for nothing: a search that would have to wait for a worker does not begin.
* A worker that has not had the grammar says so, and is sent it with the same question.
* The asker waits ``within_s`` at most; the worker ends by itself then, and is free again only when it has.
"""

import logging
from typing import Final

import attrs
import trio

from actors.stt.recogniser_queue import RecogniserQueue, job_timeout_for
from backends.jobs import SearchSentences, SentenceSearchReply
from backends.protocols import JobPool
from config.settings import TranscriptionSettings
from protocol.messages.searching import FindSentences, FoundSentences, NoSearch
from runtime.workers.pool import WorkerError

log = logging.getLogger("sayso.transcription")
LATE: Final = NoSearch("late")


@attrs.define(eq=False)
class _Search:
    """One search."""

    message: FindSentences
    settings: TranscriptionSettings
    until_s: float
    answer: FoundSentences | NoSearch = LATE
    is_over: trio.Event = attrs.field(factory=trio.Event)

    async def run(self, pool: JobPool) -> None:
        """Ask a worker; ``answer`` is the result when it is over."""
        try:
            reply = await self._call(pool, with_grammar=False)
            if reply.problem == "unknown_grammar" and trio.current_time() < self.until_s:
                reply = await self._call(pool, with_grammar=True)
            self.answer = _answer(reply)
        except WorkerError as error:
            log.info("no search for a sentence: %s", error)
            self.answer = NoSearch("failed")
        finally:
            self.is_over.set()

    async def _call(self, pool: JobPool, *, with_grammar: bool) -> SentenceSearchReply:
        message = self.message
        job = SearchSentences(
            version=message.automaton.version,
            within_s=max(0.0, self.until_s - trio.current_time()),
            automaton=message.automaton if with_grammar else None,
            vocabulary=message.vocabulary if self.settings.vocabulary else (),
            first_tokens=message.first_tokens,
        )
        timeout_s = job_timeout_for(message.utterance.duration_s, self.settings.job_timeout_s)
        reply, _ = await pool.call(job, message.utterance.pcm, timeout_s=timeout_s, attempts=1)
        return reply


async def search(
    queue: RecogniserQueue, message: FindSentences, settings: TranscriptionSettings
) -> FoundSentences | NoSearch:
    """Return which sentences fit an utterance, or why that was not looked for."""
    one = _Search(message, settings, trio.current_time() + message.within_s)
    if not queue.lend_worker(one.run):
        return NoSearch("busy" if queue.report.size else "unsupported")
    with trio.move_on_after(message.within_s):
        await one.is_over.wait()
        return one.answer
    return LATE


def _answer(reply: SentenceSearchReply) -> FoundSentences | NoSearch:
    if reply.found is not None:
        return reply.found
    return NoSearch("unsupported") if reply.problem == "unsupported" else LATE
