"""How a turn hears: an utterance in, the transcript shown and returned.

Most utterances are transcribed before it is sure that they have ended: in the silence that decides it. If the voice
goes on, the result is dropped and not shown. The words decide how much silence ends the utterance.
A client that wants to see words while they are spoken gets those that two decodes agree in.
"""

import logging
from collections import deque

import attrs
import trio

from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.audio.early import Agreement, beginnings_in, verdict_on
from protocol.messages import events
from protocol.messages.hearing import (
    NoWords,
    PauseJudged,
    Recognition,
    Transcribe,
    Urgency,
    Utterance,
    UtteranceEnded,
    UtterancePaused,
    Verdict,
)
from protocol.messages.understanding import CommandMatch, ListTools
from protocol.turns.questions import open_at
from protocol.turns.several import Parts, parts_of
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")

LIST_WITHIN_S = 0.1  # the list is kept; later than that silence has decided
MAX_EXPECTED = 60  # words and phrases: more of a prompt does a recogniser no good
UNCLEAR = frozenset({"hallucination", "low_confidence"})
"""Why there are no words where somebody has spoken: of half a sentence a recogniser often makes nothing."""
MAX_ENDED = 2  # one utterance waits for its turn, and the newest may replace it


@attrs.define(eq=False)
class EarlyTranscription:
    """Transcribes one utterance that may have ended."""

    paused: UtterancePaused
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _over: trio.Event = attrs.field(factory=trio.Event)
    _answer: Recognition | NoWords | None = None

    async def run(self, context: TurnContext, options: SessionOptions) -> None:
        """Transcribe; a failure does no harm, because the utterance is transcribed again when it has ended."""
        try:
            with self._scope:
                self._tell(context, "awaited")
                self._answer = await ask(context, options, self.paused.utterance, "early")
                self._tell(context, await _verdict(context, options, self._answer))
        except (AskError, MailboxError) as error:
            log.debug("nothing heard early: %s", error)
            self._tell(context, "undecided")
        finally:
            self._over.set()

    def give_up(self) -> None:
        """Stop: the speech goes on."""
        self._scope.cancel()

    async def answer_for(self, utterance: Utterance) -> Recognition | NoWords | None:
        """Return the result if it is for ``utterance`` and there is one."""
        if not self.is_about(utterance):
            return None
        await self._over.wait()
        return self._answer

    def is_about(self, utterance: Utterance) -> bool:
        """Return whether ``utterance`` is no longer than the one transcribed here."""
        return (self.paused.utterance.start_ms, self.paused.utterance.end_ms) == (utterance.start_ms, utterance.end_ms)

    def _tell(self, context: TurnContext, verdict: Verdict) -> None:
        """Send the verdict on the silence after the words to the audio actor."""
        context.peers.audio.tell_nowait(PauseJudged(self.paused.end_sample, verdict))


async def parts_in(context: TurnContext, text: str, language: str) -> Parts:
    """Return what a sentence is in the grammar; holds the event loop for one parse at a time."""
    search = parts_of(text, language)
    try:
        asked = next(search)
        while True:
            match = context.grammar.match_exactly(asked, language)
            await trio.lowlevel.checkpoint()
            asked = search.send(match)
    except StopIteration as end:
        parts: Parts = end.value
        return parts


async def _verdict(context: TurnContext, options: SessionOptions, answer: Recognition | NoWords) -> Verdict:
    """Return what the words say about the silence after them."""
    if isinstance(answer, NoWords):
        return "begun" if answer.reason in UNCLEAR else "undecided"
    said, language, grammar = (answer.text, *answer.alternatives), options.language, context.grammar
    question = open_at(context.memory.question, trio.current_time())
    if question is not None and (question.choices or grammar.answer(question.asked, said, language) is not None):
        return "undecided"  # "ten" may be all of an answer
    if not options.wants("tools"):  # it is dictation, and nothing is ever complete
        return verdict_on(answer.text, language, None)
    match = grammar.match(said, language)
    is_amendable = match is not None and match.may_continue and await _is_amendable(context, match)
    if match is None and (several := (await parts_in(context, answer.text, language)).several):
        match = several[-1].match  # of several commands the last one says whether more is to be expected
    begun = beginnings_in(answer.text, language) if match is None else ()
    is_begun = any(grammar.begins(text, language) for text in begun) or any(
        grammar.match_exactly(text, language)
        for text in begun[1:]  # the first is all of it, which is no command
    )
    return verdict_on(answer.text, language, match, is_begun=is_begun, is_amendable=is_amendable)


async def _is_amendable(context: TurnContext, match: CommandMatch) -> bool:
    """Return whether the call of a command leaves nothing behind that cannot be taken back."""
    try:
        found = await context.peers.tools.ask(ListTools(), timeout_s=LIST_WITHIN_S)
    except (AskError, MailboxError) as error:
        log.debug("no list of tools: %s", error)
        return False
    spec = found.find(match.server, match.tool)
    return spec is not None and spec.is_amendable


@attrs.define(eq=False)
class PartialTranscription:
    """Transcribes an utterance repeatedly while it goes on, to show the words that are stable."""

    turn_id: str
    _agreement: Agreement = attrs.field(factory=Agreement)
    _scope: trio.CancelScope | None = None

    async def run(self, context: TurnContext, options: SessionOptions, utterance: Utterance) -> None:
        """Show newly stable words; one decode at a time, each of the whole utterance so far."""
        if self._scope is not None:
            return
        try:
            with trio.CancelScope() as self._scope:
                answer = await ask(context, options, utterance, "partial")
                if isinstance(answer, Recognition) and self._agreement.take(answer.text):
                    await context.show(events.TranscriptPartial(self.turn_id, self._agreement.text))
        except (AskError, MailboxError) as error:
            log.debug("nothing heard in part: %s", error)
        finally:
            self._scope = None

    def give_up(self) -> None:
        """Stop: the utterance has ended, and its whole text follows."""
        if self._scope is not None:
            self._scope.cancel()


@attrs.define(eq=False)
class EarlyWork:
    """The early and partial transcription of the current speech."""

    _early: EarlyTranscription | None = None
    _partial: PartialTranscription | None = None
    _ended: deque[EarlyTranscription] = attrs.field(factory=lambda: deque(maxlen=MAX_ENDED))

    def begin(self, paused: UtterancePaused) -> EarlyTranscription:
        """Return the early transcription of this pause."""
        self._early = EarlyTranscription(paused)
        return self._early

    def partial_of(self, turn_id: str) -> PartialTranscription:
        """Return the partial transcription of this speech."""
        if self._partial is None:
            self._partial = PartialTranscription(turn_id)
        return self._partial

    def give_up(self) -> None:
        """Stop the early transcription: the speech goes on."""
        if self._early is not None:
            self._early.give_up()
            self._early = None

    def end(self) -> None:
        """Stop the partial transcription: the speech has ended; the early one stays for its turn."""
        if self._partial is not None:
            self._partial.give_up()
            self._partial = None
        if self._early is not None:
            self._ended.append(self._early)
            self._early = None

    def of(self, utterance: Utterance) -> EarlyTranscription | None:
        """Return the early transcription of ``utterance``, finished or not."""
        return next((early for early in self._ended if early.is_about(utterance)), None)


async def ask(
    context: TurnContext, options: SessionOptions, utterance: Utterance, urgency: Urgency = "final"
) -> Recognition | NoWords:
    """Transcribe an utterance; raises ``AskError`` or ``MailboxError``."""
    request = Transcribe(
        context.client_view.session_id,
        utterance,
        language=options.options.language,
        vocabulary=expected_words(context, options.language, options.options.vocabulary),
        urgency=urgency,
        model=options.options.stt_model,
        words=options.options.word_times and urgency != "partial",
        tenant=context.client_view.tenant,
    )
    return await context.peers.transcription.ask(request, timeout_s=context.dialogue.turn_timeout_s, linked=True)


async def transcribe(
    context: TurnContext,
    options: SessionOptions,
    turn_id: str,
    utterance: Utterance,
    early: EarlyTranscription | None = None,
) -> Recognition | None:
    """Return the transcript, and show it; ``None`` without words. Raises ``AskError`` or ``MailboxError``."""
    return await show(context, options, turn_id, utterance, await ask_unless_early(context, options, utterance, early))


async def ask_unless_early(
    context: TurnContext, options: SessionOptions, utterance: Utterance, early: EarlyTranscription | None
) -> Recognition | NoWords:
    """Return the transcript, which may have been made early; raises ``AskError`` or ``MailboxError``."""
    answer = None if early is None else await early.answer_for(utterance)
    return answer or await ask(context, options, utterance)


async def show(
    context: TurnContext, options: SessionOptions, turn_id: str, utterance: Utterance, answer: Recognition | NoWords
) -> Recognition | None:
    """Show the transcript and return it; ``None`` without words."""
    if isinstance(answer, NoWords):
        await context.show_no_speech(turn_id, answer.reason)
        return None
    span = events.AudioSpan(utterance.start_ms, utterance.end_ms)
    words = words_within(answer, utterance) if options.options.word_times else None
    shown = events.Transcript(turn_id, answer.text, answer.language, answer.confidence, span, words)
    await context.show(shown)
    return answer


async def weigh(
    context: TurnContext, options: SessionOptions, utterance: Utterance, early: EarlyTranscription | None
) -> Recognition | NoWords | None:
    """Return the transcript of speech during an answer, without showing it; ``None`` if transcription failed."""
    answer = None if early is None else await early.answer_for(utterance)
    try:
        return answer or await ask(context, options, utterance)
    except (AskError, MailboxError) as error:
        log.debug("nothing transcribed of a barge-in: %s", error)
        return None


def heard_from(said: UtteranceEnded, answer: Recognition, options: SessionOptions) -> Heard:
    """Return the words of an utterance for the turn that is about them."""
    return Heard(
        answer.text,
        answer.alternatives,
        answer.confidence,
        options.language,
        began_s(said),
        before=said.before,
        utterance=said.utterance,
        first_tokens=answer.first_tokens,
    )


def began_s(said: UtteranceEnded) -> float:
    """Return when an utterance began, by ``trio.current_time()``."""
    return said.last_voice_s - (said.utterance.end_ms - said.utterance.start_ms) / 1000


def words_within(answer: Recognition, utterance: Utterance) -> tuple[events.Word, ...]:
    """Return the words with their times in the session's audio."""
    start_ms = utterance.start_ms
    return tuple(
        events.Word(word.text, start_ms + word.start_ms, start_ms + word.end_ms, word.confidence)
        for word in answer.words
    )


async def hear(context: TurnContext, options: SessionOptions, turn_id: str, utterance: Utterance) -> str | None:
    """Return the words of an utterance, without showing them."""
    transcript = await transcribe(context, options, turn_id, utterance)
    return None if transcript is None else transcript.text


def expected_words(context: TurnContext, language: str, wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the words worth expecting now: those of an answer to the open question first, then those ``wanted``."""
    question = open_at(context.memory.question, trio.current_time())
    if question is None and not wanted:
        return context.grammar.vocabulary(language)
    titles = [] if question is None else [word for choice in question.choices for word in choice.title.split()]
    asked = context.grammar.vocabulary(language, *(() if question is None else (question.asked,)))
    words = (*titles, *wanted, *asked)
    return tuple(dict.fromkeys(words))[:MAX_EXPECTED]
