import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.audio import HeardAt
from protocol.messages import events
from protocol.messages.hearing import (
    AudioReceived,
    AudioRefused,
    NothingOpen,
    PauseJudged,
    SpeechBegan,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
    Verdict,
)
from runtime import Ref, TerminateChild
from tests.actors.audio_fixtures import RATE_HZ, AudioHarness
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow, silence, voice


async def test_a_pause_is_told_with_the_samples_that_the_utterance_will_have(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(1.024) + voice(1.024) + silence(0.3) + voice(0.512) + silence(1.0))
    first, last = harness.dialogue.of(UtterancePaused)
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (first.utterance.start_ms, first.utterance.end_ms) == (704, 2_112)
    assert first.utterance.pcm == ended.utterance.pcm[: len(first.utterance.pcm)]
    assert last.utterance == ended.utterance


@pytest.mark.parametrize("block_samples", [1_024, 4_096])
async def test_larger_blocks_change_when_it_is_heard_and_not_what(
    grow: Grow, autojump_clock: MockClock, block_samples: int
) -> None:
    harnesses = [AudioHarness(), AudioHarness(block_samples=block_samples)]
    for harness in harnesses:
        harness.ref = Ref(f"audio {harness.block_samples}")
        await harness.open(grow)
        await harness.hear(silence(1.024) + voice(1.024) + silence(1.5), frame_s=0.02)
    small, large = ([one.utterance for one in harness.dialogue.of(UtteranceEnded)] for harness in harnesses)
    assert small == large
    assert len(small) == 1


async def test_what_waits_for_a_block_is_heard_when_the_button_goes_up(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(block_samples=4_096)
    await harness.open(grow, mode="push_to_talk")
    await harness.ref.tell(events.AudioStart())
    await harness.hear(voice(0.512), frame_s=0.016)
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.utterance.end_ms == 512


async def judge(harness: AudioHarness, verdict: Verdict) -> None:
    """Do what a dialogue does that has understood the words before the last pause."""
    await harness.ref.tell(PauseJudged(harness.dialogue.of(UtterancePaused)[-1].end_sample, verdict))
    await wait_all_tasks_blocked()


async def test_a_complete_command_ends_the_utterance_sooner(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024) + silence(0.32))
    await judge(harness, "complete")
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.reason == "command_complete"
    assert ended.utterance == harness.dialogue.of(UtterancePaused)[0].utterance
    assert harness.memory.audio.speech_start == round(1.088 * RATE_HZ), "what was handed on is committed"
    await harness.hear(silence(1.0))
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]


async def test_words_that_want_others_get_more_silence(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024) + silence(0.32))
    await judge(harness, "unfinished")
    await harness.hear(silence(0.4) + voice(0.512) + silence(1.024))
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (ended.utterance.start_ms, ended.utterance.end_ms) == (0, 2_320)


async def test_a_voice_that_went_on_before_the_verdict_was_read_is_not_cut_off(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024) + silence(0.32))
    await harness.ref.tell(AudioReceived(voice(0.512)))  # in its mailbox already
    await judge(harness, "complete")
    await harness.hear(silence(0.48))
    assert harness.heard() == ["SpeechBegan"]


async def test_a_crash_between_pause_and_verdict_says_nothing_twice(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await trio.sleep(2.0)
    await harness.hear(voice(1.024) + silence(0.32))
    await harness.ref.tell("nonsense")  # crashes the actor
    await judge(harness, "complete")
    await trio.sleep(2.0)
    assert harness.tree.status().children[-1].incarnation == 2
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (ended.reason, ended.utterance.pcm) == ("command_complete", voice(1.024) + silence(0.064))
    await judge(harness, "complete")
    assert len(harness.dialogue.of(UtteranceEnded)) == 1


async def test_with_interim_results_a_growing_utterance_is_reported(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow, interim=True)
    await harness.hear(voice(1.536) + silence(1.024))
    told = [grew.utterance for grew in harness.dialogue.of(UtteranceGrew)]
    assert [(utterance.start_ms, utterance.end_ms) for utterance in told] == [(0, 512), (0, 1_024), (0, 1_536)]
    assert told[-1].pcm == voice(1.536)
    await harness.configure(interim=False)
    await harness.hear(voice(1.536) + silence(1.024))
    assert len(harness.dialogue.of(UtteranceGrew)) == 3


async def test_an_utterance_begins_and_ends_in_silence(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(1.024) + voice(1.024) + silence(1.0))
    assert harness.dialogue.of(SpeechBegan) == [SpeechBegan(at_ms=1_024)]
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.reason == "silence"
    assert (ended.utterance.start_ms, ended.utterance.end_ms) == (704, 2_112)
    assert ended.utterance.pcm == silence(0.32) + voice(1.024) + silence(0.064)
    assert harness.memory.audio.speech_start == round(2.112 * RATE_HZ), "what was handed on is committed"


async def test_a_click_is_dropped_and_committed(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(0.512) + voice(0.064) + silence(1.0))
    assert harness.heard() == ["SpeechBegan", "UtteranceDropped"]
    assert harness.dialogue.of(UtteranceDropped)[0].reason == "too_short"
    assert harness.memory.audio.speech_start > 0


async def test_silence_is_nothing_to_tell(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(5.0))
    assert harness.dialogue.seen == []


async def test_the_time_of_the_last_voice_is_known_on_the_clock(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    began_s = trio.current_time()
    await harness.hear(silence(0.512) + voice(1.024) + silence(1.0), is_live=True)
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert ended.last_voice_s == pytest.approx(began_s + 1.536, abs=0.02)


async def test_a_frame_that_is_no_audio_is_refused_and_the_stream_goes_on(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(0.512))
    await harness.ref.tell(AudioReceived(b"odd"))
    await harness.hear(voice(0.512) + silence(1.0))
    [refused] = harness.connection.of(AudioRefused)
    assert refused.message == "a frame of pcm_s16le must have whole samples, not 3 bytes"
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]
    assert harness.tree.status().children[-1].incarnation == 1


async def test_push_to_talk_ends_when_the_button_does(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow, mode="push_to_talk")
    await harness.hear(voice(1.024))
    assert harness.heard() == [], "nobody pressed"
    await harness.ref.tell(events.AudioStart())
    await harness.hear(voice(0.512) + silence(2.048))
    assert harness.heard() == ["SpeechBegan"], "silence does not end it"
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (ended.reason, ended.utterance.duration_s) == ("manual", 2.56)


async def test_the_end_of_the_audio_commits_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    assert harness.dialogue.of(UtteranceEnded)[0].reason == "manual"


async def test_what_is_discarded_is_not_heard_and_later_speech_is(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness(block_samples=4_096)
    await harness.open(grow)
    await harness.hear(voice(1.024))
    await harness.ref.tell(events.AudioDiscard())
    await harness.hear(silence(1.024))
    assert [(dropped.reason, dropped.at_ms) for dropped in harness.dialogue.of(UtteranceDropped)] == [
        ("discarded", 1_024)
    ]
    assert harness.dialogue.of(UtteranceEnded) == []
    await harness.hear(voice(1.024) + silence(1.024))
    assert harness.dialogue.of(UtteranceEnded)[0].utterance.start_ms >= 1_024


async def test_the_end_of_audio_that_ends_no_utterance_is_told(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(0.5))
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    assert harness.dialogue.of(NothingOpen) == [NothingOpen(500)]
    await harness.hear(voice(1.024) + silence(1.024))
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    heard = [message for message in harness.dialogue.seen if isinstance(message, UtteranceEnded | NothingOpen)]
    assert [type(message) for message in heard] == [NothingOpen, UtteranceEnded, NothingOpen], "it had ended before"


async def test_a_request_for_an_answer_stays_behind_what_was_said(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    await harness.ref.tell(events.AudioEnd())
    for message in (events.Respond("Be brief."), events.Bye()):
        await harness.ref.tell(message)
    await wait_all_tasks_blocked()
    ended = harness.dialogue.of(UtteranceEnded)[0]
    assert harness.dialogue.seen[-3:] == [ended, events.Respond("Be brief."), events.Bye()]


async def test_audio_that_stops_in_mid_speech_ends_the_utterance(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    await trio.sleep(0.9)
    assert harness.heard() == ["SpeechBegan"]
    await trio.sleep(0.5)
    assert harness.dialogue.of(UtteranceEnded)[0].reason == "stalled"
    await trio.sleep(10.0)
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]


async def test_audio_without_speech_does_not_poll(grow: Grow, mock_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(0.512))
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf
    await harness.hear(voice(1.024))
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == pytest.approx(1.0)
    await harness.hear(silence(1.024))
    assert harness.heard() == ["SpeechBegan", "UtteranceEnded"]
    mock_clock.jump(1.1)
    await wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf


async def test_after_a_standstill_what_has_arrived_is_heard_first(grow: Grow, mock_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    mock_clock.jump(3.0)  # a stopped process: neither the socket was read nor any deadline seen
    await wait_all_tasks_blocked()
    await harness.hear(voice(1.024) + silence(1.024))
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (ended.reason, ended.utterance.end_ms) == ("silence", 2_112)


async def test_a_client_that_is_silent_after_a_standstill_is_noticed(grow: Grow, mock_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    for jump_s in (3.0, 0.9, 0.1):
        assert harness.heard() == ["SpeechBegan"]
        mock_clock.jump(jump_s)
        await wait_all_tasks_blocked()
    assert harness.dialogue.of(UtteranceEnded)[0].reason == "stalled"


async def test_a_client_that_is_back_in_mid_speech_has_time_to_go_on(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(0.5), is_live=True)
    harness.memory.client.detach()
    await trio.sleep(0.9)  # it is away when it would be late for the first time
    harness.memory.client.attach(native(FakeSocket()))
    await harness.configure()
    await trio.sleep(0.7)
    await harness.hear(voice(0.5) + silence(1.0), is_live=True)
    assert [ended.reason for ended in harness.dialogue.of(UtteranceEnded)] == ["silence"]


async def test_audio_that_waits_in_the_mailbox_is_no_stall(grow: Grow, mock_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024))
    mock_clock.jump(1.1)
    for _ in range(8):
        assert harness.ref.tell_nowait(AudioReceived(voice(0.128)))
    await harness.hear(silence(1.024))
    [ended] = harness.dialogue.of(UtteranceEnded)
    assert (ended.reason, ended.utterance.end_ms) == ("silence", 2_112)


async def test_audio_that_stops_in_silence_is_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(1.0))
    await trio.sleep(10.0)
    assert harness.dialogue.seen == []


async def test_long_speech_is_split_and_no_sample_is_lost_or_doubled(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(40.96) + silence(1.0))
    first, second = harness.dialogue.of(UtteranceEnded)
    assert (first.reason, second.reason) == ("max_length", "silence")
    assert first.utterance.end_ms == second.utterance.start_ms
    assert first.utterance.pcm + second.utterance.pcm == voice(40.96) + silence(0.064)


# --- acknowledgement -----------------------------------------------------------------------------


async def test_audio_is_acknowledged_once_a_second_at_the_client_s_rate(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow, audio=events.AudioFormat(sample_rate=48_000))
    await trio.sleep(1.0)
    await harness.hear(silence(2.95), is_live=True)
    assert harness.acks() == [4_800, 52_800, 100_800]


async def test_what_was_heard_is_acknowledged_when_the_button_goes_up(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(silence(0.512), frame_s=0.016)
    await wait_all_tasks_blocked()
    before = list(harness.acks())
    await harness.ref.tell(events.AudioEnd())
    await wait_all_tasks_blocked()
    assert harness.acks() == [*before, 8_192]


async def test_a_decoder_is_made_for_each_new_format_only(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.configure(language="de")
    await harness.configure(audio=events.AudioFormat("pcm_f32le"))
    await wait_all_tasks_blocked()
    assert [audio.format for audio in harness.formats] == ["pcm_s16le", "pcm_f32le"]


async def test_hands_free_can_be_switched_off_and_on(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow, mode="push_to_talk")
    await harness.hear(voice(0.512))
    await harness.configure(mode="hands_free")
    await harness.hear(voice(0.512))
    assert harness.heard() == ["SpeechBegan"]


# --- crashes -------------------------------------------------------------------------------------


async def test_a_speaker_is_counted_until_the_end_of_the_utterance(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    counts = []
    for pcm in (silence(0.512), voice(1.024), silence(0.256), silence(1.0), voice(0.064), silence(2.0)):
        await harness.hear(pcm)
        counts.append(len(harness.speaking))
    assert counts == [0, 1, 1, 0, 1, 0], "a click is taken for speech for a moment"


async def test_a_client_that_leaves_in_mid_speech_is_counted_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    harness.memory.client.attach(native(FakeSocket()))
    await harness.open(grow)
    await harness.hear(voice(1.024))
    assert harness.speaking == {"audio": "192.0.2.1"}
    await harness.ref.tell("nonsense")  # crashes the actor, which detects the speech again
    await wait_all_tasks_blocked()
    await trio.sleep(1.0)
    assert harness.speaking == {"audio": "192.0.2.1"}
    await harness.tree.ref.ask(TerminateChild("audio"))
    assert harness.speaking == {}


async def test_audio_before_the_handshake_is_a_bug_of_ours(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    harness.memory.client.options = None
    await trio.sleep(2.0)
    await harness.ref.tell("nonsense")
    await trio.sleep(2.0)
    await harness.ref.tell(AudioReceived(b"\0\0"))
    await wait_all_tasks_blocked()
    last = harness.tree.status().children[-1].last_exit
    assert last is not None
    assert last.reason == "AssertionError: audio before connection_request"


# --- when samples were heard ---------------------------------------------------------------------


def test_a_sample_is_dated_back_within_its_block_but_not_before_it() -> None:
    heard = HeardAt()
    heard.mark(16_000, now_s=1.0)
    heard.mark(32_000, now_s=2.0)
    assert heard.time_of(24_000) == 1.5
    heard.mark(64_000, now_s=2.1)  # two seconds at once
    assert heard.time_of(40_000) == 2.0
    assert heard.time_of(70_000) == 2.1


def test_nothing_heard_has_no_time() -> None:
    assert HeardAt().time_of(0) == -1.0


# --- what followed closely -----------------------------------------------------------------------


async def test_an_utterance_knows_the_one_that_it_has_followed_closely(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(1.024) + silence(0.8) + voice(0.512) + silence(3.0) + voice(0.512) + silence(0.8))
    first, second, third = harness.dialogue.of(UtteranceEnded)
    assert (first.before, third.before) == (None, None)
    assert second.before is not None
    assert second.before.last_voice_s == first.last_voice_s
    both, start_ms, end_ms = second.before.both, first.utterance.start_ms, second.utterance.end_ms
    assert (both.start_ms, both.end_ms, len(both.pcm)) == (start_ms, end_ms, 32 * (end_ms - start_ms))
    assert both.pcm.startswith(first.utterance.pcm)
    assert both.pcm.endswith(second.utterance.pcm)


async def test_two_long_utterances_are_not_taken_together(grow: Grow, autojump_clock: MockClock) -> None:
    harness = AudioHarness()
    await harness.open(grow)
    await harness.hear(voice(8.0) + silence(0.8) + voice(4.0) + silence(0.8))
    assert [ended.before for ended in harness.dialogue.of(UtteranceEnded)] == [None, None]
