import json
from typing import get_args

import attrs
import msgspec
import pytest

from protocol.dialects.native import decode
from protocol.messages import events as server
from sayso_client import AudioFormat, ClientOptions, OptionChanges
from sayso_client.requests import connection_request, encode


def test_the_server_reads_every_option() -> None:
    options = ClientOptions(
        client_id="phone",
        capabilities=("stt", "tts"),
        audio=AudioFormat("opus", 48_000, 2),
        language="de",
        mode="push_to_talk",
        interim=True,
        stt_model="base",
        word_times=True,
        speech_format="opus",
    )
    expected = server.ConnectionRequest(
        client_id="phone",
        capabilities=("stt", "tts"),
        audio=server.AudioFormat("opus", 48_000, 2),
        language="de",
        mode="push_to_talk",
        interim=True,
        stt_model="base",
        word_times=True,
        speech_format="opus",
        resume=server.Resume("token", 7),
    )
    assert decode(connection_request(options, ("token", 7))) == expected


def test_options_that_are_not_given_are_left_to_the_server() -> None:
    assert json.loads(connection_request(ClientOptions()))["data"] == {
        "client_id": "sayso-client",
        "capabilities": ["stt", "llm", "tools", "tts"],
        "audio": {"format": "pcm_s16le", "sample_rate": 16_000, "channels": 1},
    }


def test_the_client_knows_every_option_of_the_server() -> None:
    asked = {field.name for field in attrs.fields(server.ConnectionRequest)} - {"resume"}
    assert {field.name for field in msgspec.structs.fields(ClientOptions)} == asked
    changed = {field.name for field in attrs.fields(server.SessionUpdate)} - {"audio"}  # it would move every position
    assert {field.name for field in msgspec.structs.fields(OptionChanges)} == changed


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (encode("text", text="hi"), server.Text("hi")),
        (encode("interrupt", heard_ms=None), server.Interrupt()),
        (encode("interrupt", heard_ms=120), server.Interrupt(120)),
        (encode("confirm", call_id="c", approve=False), server.Confirm("c", approve=False)),
        (encode("ping", t=3), server.Ping(3)),
        (encode("audio_start"), server.AudioStart()),
        (encode("audio_end"), server.AudioEnd()),
        (encode("session_update", voice="anna"), server.SessionUpdate(voice="anna")),
        (encode("bye"), server.Bye()),
    ],
)
def test_the_server_reads_what_a_client_says(frame: str, event: object) -> None:
    assert decode(frame) == event
    assert type(event) in get_args(server.ClientEvent)
