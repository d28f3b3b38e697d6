"""The test that the guide's script lacks: sessions that speak, and questions for the language model.

Each session is a microphone that is always on and says a command every ten seconds; all begin within ten seconds, so
that they speak in turn. Stages come from the server, and the time to the reply from the last voice that was sent.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import trio

from bench.guide.figures import cut, mean, rate
from bench.load.arrivals import burst
from bench.load.callers import RATE_HZ, Crowds
from bench.load.figures import turns
from bench.load.records import Call, Clip, Plan
from sayso_client import Capability, ClientError, ClientOptions, ClientSession, TurnCompleted, connect

EVERY_S: Final = 10.0
"""From the beginning of a command to that of the next one in the same session."""
QUESTION_TIMEOUT_S: Final = 60.0
ASKERS: Final = 2
"""The guide's LLM_NUM_PARALLEL."""
QUESTIONS: Final = (
    "Tell me one fact about Norway.",
    "Why is the sky blue?",
    "What do people eat in Peru?",
    "Who was Ada Lovelace?",
    "How do bees make honey?",
    "What is a good name for a cat?",
    "Explain what a volcano is.",
    "Tell me a very short story.",
)
MS: Final = 1_000.0


def plan(url: str, clips: Sequence[Clip], sessions: int, commands: int) -> Plan:
    """Return the plan of ``sessions`` that say ``commands`` each, of the clips in turn."""
    padded = [padded_to(clip, EVERY_S) for clip in clips]
    said = [[padded[(session + n) % len(padded)] for n in range(commands)] for session in range(sessions)]
    return Plan(url, burst(sessions, EVERY_S), said, limit_s=EVERY_S * (commands + 4))


def padded_to(clip: Clip, length_s: float) -> Clip:
    """Return a clip with silence after it, up to ``length_s``."""
    missing = 2 * round(length_s * RATE_HZ) - len(clip.pcm)
    return attrs.evolve(clip, pcm=clip.pcm + bytes(max(0, missing)))


def speak(crowds: Crowds, url: str, clips: Sequence[Clip], sessions: int, commands: int) -> dict[str, Any]:
    """Let the sessions speak, and return the figures."""
    return voice_figures(crowds.run(plan(url, clips, sessions, commands)), sessions, EVERY_S * (commands + 1))


def voice_figures(calls: Sequence[Call], sessions: int, duration_s: float) -> dict[str, Any]:
    """Return the figures of calls that took ``duration_s``; times in seconds."""
    done = [turn for turn in turns(calls) if turn.is_done]
    stt_s = [
        (turn.server_ms.get("queue", 0.0) + turn.server_ms["stt"]) / MS for turn in done if "stt" in turn.server_ms
    ]
    reply_s = [turn.client_ms["reply"] / MS for turn in done if "reply" in turn.client_ms]
    troubles = [call.trouble or ", ".join(call.errors) or call.result for call in calls if call.result != "served"]
    return {
        "sessions": sessions,
        "served_sessions": sum(call.result == "served" for call in calls),
        "refused_sessions": sum(call.result == "refused" for call in calls),
        "commands": sum(call.wanted for call in calls),
        "done": len(done),
        "done_per_minute": rate(60 * len(done), duration_s),
        "stt_avg": mean(stt_s),
        "stt_p95": cut(stt_s, 95),
        "reply_avg": mean(reply_s),
        "reply_p95": cut(reply_s, 95),
        "first_error": next(iter(troubles), None),
    }


# --- the language model --------------------------------------------------------------------------


@attrs.define
class Asked:
    """What came of the questions."""

    answers_s: list[float] = attrs.field(factory=list)
    """Times of those that a language model answered."""
    unanswered: int = 0
    errors: list[str] = attrs.field(factory=list)


async def ask(url: str, questions: int, advance: Callable[[float], None]) -> dict[str, Any]:
    """Type questions that are no commands, two at a time; returns the figures of those that a model answered."""
    found, waiting = Asked(), [QUESTIONS[number % len(QUESTIONS)] for number in range(questions)]
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(ASKERS):
            nursery.start_soon(_ask, url, f"asker-{number}", waiting, found, advance)
    return llm_figures(found, trio.current_time() - began_s)


async def _ask(url: str, name: str, waiting: list[str], found: Asked, advance: Callable[[float], None]) -> None:
    capabilities: tuple[Capability, ...] = ("llm", "tools")
    try:
        async with connect(url, ClientOptions(client_id=name, capabilities=capabilities), reconnect=None) as session:
            while waiting:
                asked_s = trio.current_time()
                await session.send_text(waiting.pop())
                if await _is_answered_by_a_model(session):
                    found.answers_s.append(trio.current_time() - asked_s)
                else:
                    found.unanswered += 1
                advance(1)
    except* ClientError as group:
        found.errors.append(str(group.exceptions[0]))


async def _is_answered_by_a_model(session: ClientSession) -> bool:
    with trio.move_on_after(QUESTION_TIMEOUT_S):
        async for event in session:
            if isinstance(event, TurnCompleted):
                return event.outcome == "done" and event.latency_ms.first_token is not None
    return False


def llm_figures(found: Asked, duration_s: float) -> dict[str, Any]:
    """Return the figures of questions that took ``duration_s``; times in seconds, to the end of the answer."""
    return {
        "answered": len(found.answers_s),
        "not_by_a_model": found.unanswered,
        "answered_per_minute": rate(60 * len(found.answers_s), duration_s),
        "answer_avg": mean(found.answers_s),
        "answer_p95": cut(found.answers_s, 95),
        "first_error": next(iter(found.errors), None),
    }
