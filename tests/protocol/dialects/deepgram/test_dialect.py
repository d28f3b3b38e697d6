"""The table of Deepgram's live transcription: frames in, the session's events; the session's events, frames out."""

import hashlib

import pytest

from protocol.dialects.deepgram.dialect import DeepgramDialect
from protocol.dialects.dialect import HandshakeRefused, OpeningRequest
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.event_values import MAX_VOCABULARY
from protocol.messages.events import AudioEnd, AudioFormat, Bye, SessionUpdate
from tests.protocol.dialects.deepgram.deepgram_fixtures import (
    PCM,
    SECOND,
    Stream,
    done,
    shown,
    started,
    stopped,
    transcript,
)
from tests.protocol.dialects.deepgram.test_listen_audio import wav

# --- how a stream begins ---------------------------------------------------------------------------


def test_a_session_hears_and_does_not_answer() -> None:
    request = Stream({"language": "de", "interim_results": "true", "keyterm": "Zoe", "model": "tiny.en"}).dialect.open()
    assert request == events.ConnectionRequest(
        "deepgram",
        ("stt",),
        AudioFormat(),
        "de",
        interim=True,
        stt_model="tiny.en",
        word_times=True,
        wake="",
        answers="on_request",
        vocabulary=("Zoe",),
        announcements=False,
    )


def test_words_to_expect_may_be_given_several_times() -> None:
    request = OpeningRequest("/v1/listen", PCM | {"keyterm": "b"}, repeated={"keyterm": ("a", "b")})
    assert DeepgramDialect(request, str, float).open().vocabulary == ("a", "b")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"sample_rate": "384000"}, "sample_rate must be"),
        ({"redact": "pci"}, "redact is not served here"),
        ({"multichannel": "true", "channels": "2"}, "multichannel is not served: open a stream"),
        ({"language": "\r\nx: 1 \u20ac"}, "language must be"),
    ],
)
def test_a_wrong_parameter_is_answered_by_http_in_deepgrams_form(query: dict[str, str], message: str) -> None:
    with pytest.raises(HandshakeRefused) as caught:
        Stream(query)
    refused = caught.value
    assert refused.status == 400
    assert (refused.body["err_code"], refused.body["request_id"]) == ("INVALID_QUERY_PARAMETER", "id1")
    assert str(refused.body["err_msg"]).startswith(message)
    for _, value in refused.headers:
        assert value.isascii()
        assert value.isprintable()


def test_several_channels_are_mixed_if_none_is_wanted_by_itself() -> None:
    assert Stream({"channels": "2"}).dialect.open().audio == AudioFormat("pcm_s16le", 16_000, 2)
    assert Stream({"multichannel": "true"}).dialect.open().audio == AudioFormat()


@pytest.mark.parametrize(("offered", "selected"), [("token, KEY", "token"), ("Bearer, KEY", "Bearer"), ("", None)])
def test_of_what_a_page_offers_its_key_is_never_selected(offered: str, selected: str | None) -> None:
    headers = {"sec-websocket-protocol": offered}
    assert DeepgramDialect(OpeningRequest("/v1/listen", PCM, headers), str, float).subprotocol == selected


def test_a_wav_file_tells_the_session_its_format_before_its_samples() -> None:
    dialect = DeepgramDialect(OpeningRequest("/v1/listen"), str, float)
    assert dialect.open().audio == AudioFormat()
    file = wav(rate_hz=44_100)
    assert list(dialect.decode(file[:20])) == []
    assert list(dialect.decode(file[20:])) == [
        SessionUpdate(audio=AudioFormat("pcm_s16le", 44_100)),
        file[-200:],
    ]


# --- CloseStream and Configure ----------------------------------------------------------------------


@pytest.mark.parametrize("by_empty_frame", [False, True])
def test_the_end_of_a_stream_is_told_when_all_that_was_said_is_told(by_empty_frame: bool) -> None:
    stream = Stream()
    stream.speaks(2)
    stream.hears(started("t1"))
    said = list(stream.dialect.decode(b"")) if by_empty_frame else stream.says("CloseStream")
    assert said == [AudioEnd(), Bye()]
    assert stream.hears(stopped("t1", "manual")) == []
    frames = stream.hears(transcript("t1"), done("t1"))
    assert shown(frames) == [("Light on.", True, True, False), ("Metadata",)]
    end = frames[-1]
    assert (end["duration"], end["channels"], end["request_id"]) == (2.0, 1, "id1")
    assert end["sha256"] == hashlib.sha256(2 * SECOND).hexdigest()
    assert end["created"].startswith("2027-01-15T08:00:00")


def test_a_stream_in_which_nothing_was_said_ends_at_once() -> None:
    stream = Stream()
    stream.says("Finalize")
    stream.says("CloseStream")
    assert shown(stream.hears(events.NothingCommitted(0), events.NothingCommitted(0))) == [
        ("", True, False, True),
        ("Metadata",),
    ]


def test_what_comes_after_the_end_is_not_heard() -> None:
    stream = Stream()
    stream.says("CloseStream")
    assert list(stream.dialect.decode(SECOND)) == []
    assert list(stream.dialect.decode("no JSON")) == []
    assert stream.says("Finalize") == []


def test_a_message_that_keeps_alive_asks_for_nothing() -> None:
    assert Stream().says("KeepAlive") == []


def test_words_to_expect_can_be_changed() -> None:
    stream = Stream()
    update, ping = stream.says("Configure", keyterms=["Zoe"], features={"numerals": True})
    assert update == SessionUpdate(vocabulary=("Zoe",))
    assert stream.hears(events.Pong(ping.t)) == [{"type": "ConfigureSuccess", "request_id": "id1", "keyterms": ["Zoe"]}]
    (ping,) = stream.says("Configure", features={})
    assert stream.hears(events.Pong(ping.t)) == [{"type": "ConfigureSuccess", "request_id": "id1"}]


def test_too_many_words_to_expect_change_nothing() -> None:
    stream = Stream()
    (ping,) = stream.says("Configure", keyterms=["x"] * (MAX_VOCABULARY + 1))
    assert stream.hears(events.Pong(ping.t))[0]["code"] == "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"


# --- errors --------------------------------------------------------------------------------------------


def test_a_mistake_is_told_with_what_was_sent() -> None:
    stream = Stream()
    with pytest.raises(RemoteProtocolError) as caught:
        stream.dialect.decode('{"type": "Dance"}')
    told = stream.hears(events.Error(caught.value.code, str(caught.value)))[0]
    assert (told["type"], told["variant"], told["message"]) == ("Error", "SchemaError", '{"type": "Dance"}')


@pytest.mark.parametrize(
    ("event", "variant"),
    [(events.ConnectionRefused("full", 1_500), "SERVICE_UNAVAILABLE"), (events.AudioOverrun(0, 5), "TOO_FAST")],
)
def test_what_the_server_cannot_do_is_an_error(event: events.ServerEvent, variant: str) -> None:
    assert Stream().hears(event)[0]["variant"] == variant


@pytest.mark.parametrize(
    "event", [events.Status(0, 1, 1.0), events.AudioAck(5), transcript("t9"), done("t9"), events.NothingCommitted(0)]
)
def test_what_concerns_no_utterance_of_the_client_is_not_told(event: events.ServerEvent) -> None:
    stream = Stream({"interim_results": "true"})
    assert stream.hears(event) == []
    assert list(stream.dialect.speech(b"1")) == []
