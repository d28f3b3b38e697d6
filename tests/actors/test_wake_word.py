"""The audio actor of a session that wants a wake word."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.hearing import (
    NothingHeard,
    ReplyExpected,
    SpeechBegan,
    UtteranceDropped,
    UtteranceEnded,
)
from protocol.messages.records import Count
from tests.actors.audio_fixtures import AudioHarness
from tests.fakes import Grow, silence, voice, wake_word

COMMAND = silence(0.5) + voice(1.024) + silence(1.0)


async def asleep(grow: Grow, **options: object) -> AudioHarness:
    """Return a session that waits for its wake word."""
    harness = AudioHarness()
    await harness.open(grow, **{"wake": "okay nabu", **options})
    return harness


def states(harness: AudioHarness) -> list[tuple[str, float | None]]:
    return [(event.state, event.for_s) for event in harness.connection.events(events.WakeState)]


async def test_nothing_is_told_before_the_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.hear(COMMAND * 2)
    assert harness.dialogue.seen == []
    assert harness.metrics.of(Count) == [Count("unheard_utterances_total")] * 2
    assert harness.speaking == {}
    assert states(harness) == []


async def test_the_wake_word_begins_a_turn_and_the_command_ends_it(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.hear(silence(1.024) + wake_word() + COMMAND)
    assert harness.heard() == ["SpeechBegan", "SpeechBegan", "UtteranceEnded"]
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.utterance.pcm.strip(b"\0") == voice(1.024)  # without the wake word
    assert harness.connection.events(events.WakeDetected) == [events.WakeDetected("okay nabu", 1_536, 24_576)]
    assert [state for state, _ in states(harness)] == ["listening", "asleep"]
    assert Count("wakes_total", ("okay nabu",)) in harness.metrics.of(Count)
    await harness.hear(COMMAND)
    assert len(harness.dialogue.of(UtteranceEnded)) == 1


async def test_the_clients_rate_counts_where_the_word_was(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow, audio=events.AudioFormat(sample_rate=48_000))
    await harness.hear(silence(1.024) + wake_word())
    [detected] = harness.connection.events(events.WakeDetected)
    assert detected.at_sample == 3 * 24_576


async def test_a_wake_word_without_a_command_ends_its_turn(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.hear(wake_word() + silence(6.0))
    [dropped] = harness.dialogue.of(UtteranceDropped)
    assert dropped.reason == "no_command"
    assert [state for state, _ in states(harness)] == ["listening", "asleep"]


async def test_a_muted_client_ends_the_wait_for_its_command(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.hear(silence(0.5) + wake_word() + silence(0.1), is_live=True)
    dropped = await harness.dialogue.wait_for(UtteranceDropped)
    assert dropped.reason == "no_command"
    assert harness.speaking == {}


async def test_an_expected_reply_needs_no_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.ref.tell(ReplyExpected(15.0))
    await harness.hear(COMMAND)
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]
    assert states(harness) == [("listening", 15.0), ("asleep", None)]


async def test_noise_behind_the_wake_word_gives_the_rest_of_its_time_back(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = await asleep(grow)
    await harness.hear(wake_word() + COMMAND)
    await harness.ref.tell(NothingHeard())
    await harness.hear(COMMAND)
    assert len(harness.dialogue.of(UtteranceEnded)) == 2


async def test_the_button_needs_no_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow)
    await harness.ref.tell(events.AudioStart())
    await harness.hear(voice(1.024))
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]


async def test_push_to_talk_has_no_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    harness = await asleep(grow, mode="push_to_talk")
    await harness.hear(wake_word() + COMMAND)
    assert harness.dialogue.seen == []
    assert harness.connection.events(events.WakeDetected) == []


async def test_a_session_can_ask_for_a_wake_word_later_and_give_it_up(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.configure(wake="okay nabu")
    await harness.hear(COMMAND)
    assert harness.dialogue.seen == []
    await harness.configure()
    await harness.hear(COMMAND)
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]


async def test_a_crash_while_asleep_loses_no_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(breaks=[320])  # in the wake word
    await harness.open(grow, wake="okay nabu")
    await trio.sleep(2.0)
    await harness.hear(silence(5.0) + wake_word() + COMMAND)
    await trio.sleep(1.0)
    assert harness.tree.status().children[-1].incarnation == 2
    assert harness.heard() == ["SpeechBegan", "SpeechBegan", "UtteranceEnded"]
    assert len(harness.connection.events(events.WakeDetected)) == 1


async def test_a_crash_between_wake_word_and_command_loses_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(breaks=[380])  # in the command
    await harness.open(grow, wake="okay nabu")
    await trio.sleep(2.0)
    await harness.hear(silence(5.0) + wake_word() + COMMAND)
    await trio.sleep(1.0)
    assert harness.tree.status().children[-1].incarnation == 2
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.utterance.pcm.strip(b"\0") == voice(1.024)
    assert len(harness.connection.events(events.WakeDetected)) == 1
    assert harness.dialogue.seen[0] == SpeechBegan(at_ms=5_504)
