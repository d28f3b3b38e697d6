from typing import Any

import attrs
import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.speech import Speech, SpeechStatistics, SpeechUnavailable
from backends.jobs import SpeakText, SpokenText
from protocol.messages.records import Count, Gauge
from protocol.messages.speaking import SpokenAudio, Synthesise
from runtime import ChildSpec, Ref, Tree
from runtime.workers.pool import JobFailed, JobTimeout, PoolUnavailable, WorkerLost
from tests.fake_pool import FakePool, PoolCall
from tests.fakes import Grow, Script, default_settings, scripted, shown_by


@attrs.define(eq=False)
class Booth:
    """A speech actor with a fake pool."""

    trouble: Exception | None = None
    has_pool: bool = True
    pool: FakePool = attrs.field(init=False)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("speech"))
    tree: Tree = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._speak)

    async def _speak(self, call: PoolCall) -> tuple[SpokenText, bytes]:
        if self.trouble is not None:
            raise self.trouble
        return SpokenText(22_050), call.job.text.encode()

    async def open(self, grow: Grow) -> None:
        """Start it."""
        pool: Any = self.pool if self.has_pool else None
        metrics = scripted("metrics", self.metrics)
        self.tree = await grow(
            metrics, ChildSpec(self.ref, lambda: Speech(default_settings().speech, pool, metrics.ref))
        )

    async def speak(self, text: str, voice: str | None = None) -> SpokenAudio:
        """Ask for a sentence."""
        audio: SpokenAudio = await self.ref.ask(Synthesise("s", text, voice))
        return audio


async def test_a_sentence_becomes_audio_in_the_wanted_voice(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth()
    await booth.open(grow)
    assert await booth.speak("Hello.") == SpokenAudio(b"Hello.", 22_050)
    await booth.speak("Hello.", voice="amy")
    assert [(call.job, call.timeout_s) for call in booth.pool.jobs] == [
        (SpeakText("Hello.", None, 1.0), 10.0),
        (SpeakText("Hello.", "amy", 1.0), 10.0),
    ]


async def test_a_short_phrase_is_made_once(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth()
    await booth.open(grow)
    assert await booth.speak("Done.") == await booth.speak("Done.")
    assert len(booth.pool.jobs) == 1
    statistics = shown_by(booth.tree.status().children[-1], SpeechStatistics)
    assert (statistics.cached_phrases, statistics.cache_hits) == (1, 1)
    assert statistics.pool == booth.pool.statistics()
    await wait_all_tasks_blocked()
    assert booth.metrics.seen == [
        Count("speech_cache_requests_total", ("miss",)),
        Gauge("speech_cache_bytes", (), len("Done.")),
        Count("speech_cache_requests_total", ("hit",)),
    ]


async def test_a_long_sentence_is_not_remembered(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth()
    await booth.open(grow)
    for _ in range(2):
        await booth.speak("long " * 20)
    assert len(booth.pool.jobs) == 2


@pytest.mark.parametrize(
    "trouble", [JobFailed("no such voice"), JobTimeout("10 s"), WorkerLost("signal 9"), PoolUnavailable("down", 1.0)]
)
async def test_trouble_with_workers_is_told_and_not_remembered(
    grow: Grow, autojump_clock: MockClock, trouble: Exception
) -> None:
    booth = Booth(trouble)
    await booth.open(grow)
    with pytest.raises(SpeechUnavailable, match=str(trouble)):
        await booth.speak("Hello.")
    booth.trouble = None
    assert (await booth.speak("Hello.")).pcm == b"Hello."


async def test_without_a_provider_there_is_no_speech(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth(has_pool=False)
    await booth.open(grow)
    with pytest.raises(SpeechUnavailable, match=r"speech\.provider is none"):
        await booth.speak("Hello.")
    statistics = booth.tree.status().children[-1].statistics
    assert statistics == SpeechStatistics(cached_phrases=0, cache_bytes=0, cache_hits=0)


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth()
    await booth.open(grow)
    await booth.ref.tell("nonsense")
    await wait_all_tasks_blocked()
    last = booth.tree.status().children[-1].last_exit
    assert last is not None
    assert last.reason == "TypeError: Speech handles no str"


async def test_the_same_phrase_at_another_pace_is_another_phrase(grow: Grow, autojump_clock: MockClock) -> None:
    booth = Booth()
    await booth.open(grow)
    for speed in (1.0, 2.0, 1.0):
        await booth.ref.ask(Synthesise("s", "Done.", None, speed))
    assert [call.job.speed for call in booth.pool.jobs] == [1.0, 2.0]
