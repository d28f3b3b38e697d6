from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np
import trio
from trio.testing import MockClock

from backends.protocols import SpeechDetector
from backends.speech.models import resolve_silero
from backends.speech.silero import SileroModel
from backends.speech.two_stage_vad import SileroService, TwoStageDetector
from protocol.audio.second_detector import DetectorPlaces
from protocol.messages import events
from protocol.messages.hearing import UtteranceEnded
from tests.actors.audio_fixtures import AudioHarness
from tests.fakes import Grow, silence, voice
from tests.system.speech_fixtures import spoken_pcm


async def test_a_crash_in_mid_speech_costs_no_sample(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(breaks=[96])  # 1.5 s into the stream
    await harness.open(grow)
    await trio.sleep(2.0)
    await harness.hear(silence(0.512) + voice(2.048) + silence(1.0))
    assert harness.tree.status().children[-1].incarnation == 2
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.utterance.pcm == silence(0.32) + voice(2.048) + silence(0.064)
    assert harness.heard() == ["SpeechBegan", "SpeechBegan", "UtteranceEnded"], "heard again after the crash"


async def test_what_was_committed_before_a_crash_is_not_heard_again(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(breaks=[160])  # 2.5 s: in the second utterance
    await harness.open(grow)
    await trio.sleep(2.0)
    await harness.hear(voice(1.024) + silence(1.024) + voice(1.024) + silence(1.024))
    first, second = harness.dialogue.of(UtteranceEnded)
    assert (first.utterance.start_ms, first.utterance.end_ms) == (0, 1_088)
    assert (second.utterance.start_ms, second.utterance.end_ms) == (1_728, 3_136)
    assert harness.tree.status().children[-1].incarnation == 2


async def test_a_button_that_is_down_at_a_crash_is_still_down_after_it(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(breaks=[32])  # half a second into the stream
    await harness.open(grow, mode="push_to_talk")
    await trio.sleep(2.0)
    await harness.ref.tell(events.AudioStart())
    await harness.hear(voice(1.024))
    await harness.ref.tell(events.AudioEnd())
    await trio.sleep(1.0)
    assert harness.tree.status().children[-1].incarnation == 2
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.utterance.pcm == voice(1.024)
    assert ended.reason == "manual"


async def test_a_crash_before_the_handshake_leaves_a_working_audio_actor(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    harness.memory.client.options = None
    await trio.sleep(2.0)
    await harness.ref.tell("nonsense")
    await harness.configure()
    await harness.hear(voice(1.024) + silence(1.0))
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]


@attrs.define
class BreaksOnce:
    """A detector that breaks at a certain frame of its stream, once in all incarnations."""

    inner: SpeechDetector
    breaks: list[int]
    frames: int = 0

    @property
    def clear_share(self) -> float:
        return self.inner.clear_share

    def probabilities(self, pcm: bytes) -> Sequence[float]:
        found = self.inner.probabilities(pcm)
        self.frames += len(found)
        if self.breaks and self.frames >= self.breaks[0]:
            self.breaks.pop()
            raise ZeroDivisionError("the detector breaks, as told")
        return found

    def reset(self) -> None:
        self.inner.reset()


async def heard_of_speech(grow: Grow, breaks: list[int], model: SileroModel) -> list[tuple[int, int]]:
    """Return where the utterances of two spoken sentences begin and end, with the detectors of a server."""

    def make_detector() -> SpeechDetector:
        service = SileroService(model, DetectorPlaces(1), trio.current_time, lambda _: None)
        return BreaksOnce(TwoStageDetector(service), breaks)

    harness = AudioHarness(make_detector=make_detector)
    await harness.open(grow)
    await trio.sleep(2.0)
    said = spoken_pcm("What time is it?") + spoken_pcm("Stop.")
    noise = np.random.default_rng(3).normal(0, 300, len(said) // 2 + 4 * 16_000)
    noise[32_000 : 32_000 + len(said) // 2] += np.frombuffer(said, "<i2")
    await harness.hear(noise.astype("<i2").tobytes())
    assert not breaks
    return [(ended.utterance.start_ms, ended.utterance.end_ms) for ended in harness.dialogue.of(UtteranceEnded)]


async def test_after_a_crash_the_same_frames_are_judged_in_the_same_way(
    grow: Grow, autojump_clock: MockClock, tmp_path: Path
) -> None:
    model = SileroModel.load(resolve_silero(tmp_path))
    without = await heard_of_speech(grow, [], model)
    assert len(without) == 2
    for frame in (150, 200, 260):  # in the first sentence, between the two, in the second
        assert await heard_of_speech(grow, [frame], model) == without
