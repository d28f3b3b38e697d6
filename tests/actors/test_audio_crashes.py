import trio
from trio.testing import MockClock

from protocol.messages import events
from protocol.messages.hearing import UtteranceEnded
from tests.actors.audio_fixtures import AudioHarness
from tests.fakes import Grow, silence, voice


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
