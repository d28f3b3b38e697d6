"""What may be asked for at the handshake; the handshake itself is in test_connection.py."""

import pytest

from actors.connection.opening import check_hearing, check_model, check_wake_word
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import ConnectionRequest, SessionUpdate

LIVE = ConnectionRequest("tester", ("stt",), language="de", stt_model="base")


def english_only(language: str | None, model: str | None) -> str | None:
    return None if language is None or language.startswith("en") or model == "base" else f"{language} is not heard"


@pytest.mark.parametrize("name", [None, "base"])
def test_a_model_that_is_offered_or_not_named_is_right(name: str | None) -> None:
    check_model(name, ("tiny.en", "base"))


def test_a_model_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RemoteProtocolError, match=r"must be one of tiny\.en, base, not") as caught:
        check_model("x" * 100, ("tiny.en", "base"))
    assert caught.value.code == "unknown_model"
    assert "x" * 41 not in str(caught.value)


def no_such_word(word: str) -> str | None:
    return None if word == "okay nabu" else "a wake word must be one of okay nabu"


@pytest.mark.parametrize("word", [None, "", "okay nabu"])
def test_a_wake_word_that_there_is_or_none_is_right(word: str | None) -> None:
    check_wake_word(word, no_such_word)


def test_a_wake_word_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RemoteProtocolError, match="must be one of okay nabu") as caught:
        check_wake_word("computer", no_such_word)
    assert caught.value.code == "unknown_wake_word"


@pytest.mark.parametrize(
    ("event", "before"),
    [
        (ConnectionRequest("tester", ("stt",)), None),
        (ConnectionRequest("tester", ("llm",), language="de"), None),
        (ConnectionRequest("tester", ("stt",), language="de", stt_model="base"), None),
        (SessionUpdate(language="fr"), LIVE),
    ],
)
def test_a_language_is_right_if_a_model_hears_it_or_if_nothing_is_heard(
    event: ConnectionRequest | SessionUpdate, before: ConnectionRequest | None
) -> None:
    check_hearing(event, before, english_only)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (ConnectionRequest("tester", ("stt",), language="de"), "connection_request"),
        (SessionUpdate(language="de", stt_model="tiny.en"), "session_update"),
    ],
)
def test_a_language_that_is_not_heard_is_told_with_the_event_that_asked(
    event: ConnectionRequest | SessionUpdate, name: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^{name}.language: de is not heard") as caught:
        check_hearing(event, LIVE, english_only)
    assert caught.value.code == "bad_field"
