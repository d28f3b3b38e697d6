"""The text messages of a Deepgram client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.deepgram.listen_messages import MAX_MESSAGE_CHARS, ControlMessage, ControlType, parsed
from protocol.messages.errors import RemoteProtocolError


@pytest.mark.parametrize("kind", ["KeepAlive", "Finalize", "CloseStream"])
def test_a_message_is_known_by_its_type(kind: ControlType) -> None:
    assert parsed(f'{{"type": "{kind}", "more": [1]}}') == ControlMessage(kind)


def test_words_to_expect_may_be_absent_or_empty() -> None:
    assert parsed('{"type": "Configure", "keyterms": null}').keyterms is None
    assert parsed('{"type": "Configure", "keyterms": []}').keyterms == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("\ud83d", "bad_json"),
        ('{"x": ' + "[" * 20_000, "bad_json"),
        ("[]", "bad_field"),
        ('{"type": "Dance"}', "bad_field"),
        ('{"type": "Configure", "keyterms": [1]}', "bad_field"),
        ("x" * (MAX_MESSAGE_CHARS + 1), "too_large"),
    ],
)
def test_what_is_no_message_is_a_mistake_of_the_client(text: str, code: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parsed(text)
    assert (caught.value.code, caught.value.fatal) == (code, False)


@given(st.text(max_size=60))
def test_whatever_comes_is_a_message_or_a_mistake(text: str) -> None:
    try:
        parsed(text)
    except RemoteProtocolError:
        return
