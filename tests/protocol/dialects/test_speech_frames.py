from typing import Any

import attrs

from protocol.dialects.speech_frames import SpeechFrames
from protocol.messages.events import Pong, SpeechAudioEnd, SpeechAudioStart

START, END = SpeechAudioStart("t", "pcm_s16le", 22_050), SpeechAudioEnd("t")


@attrs.define
class Encoder:
    """Keeps all until the end."""

    rate_hz: int
    kept: bytes = b""

    def encode(self, pcm: bytes, *, is_last: bool = False) -> list[bytes]:
        self.kept += pcm
        return [self.kept] if is_last else []


def announced(frames: SpeechFrames, event: Any, wanted: Any) -> Any:
    return frames.announce(event, wanted)


def test_samples_go_unchanged_to_clients_that_want_samples() -> None:
    frames = SpeechFrames(Encoder)
    assert announced(frames, START, "pcm_s16le") == ((), START)
    assert frames.frames(b"ab", "opus") == (b"ab",)
    assert announced(frames, END, "pcm_s16le") == ((), END)


def test_packets_are_announced_and_the_last_one_comes_before_the_end() -> None:
    frames = SpeechFrames(Encoder)
    assert announced(frames, START, "opus") == ((), SpeechAudioStart("t", "opus", 48_000))
    assert frames.frames(b"ab", "pcm_s16le") == []
    assert announced(frames, END, "opus") == ([b"ab"], END)


def test_the_format_of_what_has_begun_does_not_change() -> None:
    frames = SpeechFrames(Encoder)
    announced(frames, START, "pcm_s16le")
    assert announced(frames, Pong(1), "opus") == ((), Pong(1))
    assert frames.frames(b"ab", "opus") == (b"ab",)


def test_what_was_dropped_does_not_come_with_what_follows() -> None:
    frames = SpeechFrames(Encoder)
    announced(frames, START, "opus")
    frames.frames(b"dropped", "opus")
    frames.drop()
    frames.frames(b"kept", "opus")
    assert announced(frames, END, "opus")[0] == [b"kept"]


def test_without_a_start_samples_go_out_and_packets_do_not() -> None:
    frames = SpeechFrames(Encoder)
    assert frames.frames(b"ab", "opus") == ()
    assert frames.frames(b"ab", "pcm_s16le") == (b"ab",)
    frames.drop()
    assert announced(frames, END, "opus") == ((), END)
