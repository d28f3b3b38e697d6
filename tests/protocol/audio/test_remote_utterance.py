import msgspec
import pytest

from protocol.audio.remote_utterance import (
    MOST_CHARS,
    MOST_PHRASES,
    VERSION,
    UtteranceAnswer,
    UtteranceRequest,
    sendable,
)
from protocol.messages.hearing import SpokenWord


def test_a_request_and_an_answer_travel_as_json() -> None:
    request = UtteranceRequest(version=VERSION, within_s=5.0, language="en-GB", vocabulary=("kitchen light",))
    assert msgspec.json.decode(msgspec.json.encode(request), type=UtteranceRequest) == request
    answer = UtteranceAnswer(
        version=VERSION,
        text="Turn it on",
        language="en",
        confidence=0.9,
        compute_s=0.1,
        alternatives=("turn it off",),
        words=(SpokenWord("Turn", 100, 200, 0.8),),
    )
    assert msgspec.json.decode(msgspec.json.encode(answer), type=UtteranceAnswer) == answer


def test_what_another_version_sends_besides_is_ignored() -> None:
    assert msgspec.json.decode(b'{"version": 1, "within_s": 1, "mood": "good"}', type=UtteranceRequest).within_s == 1.0


@pytest.mark.parametrize(
    "body", ['{"version": 1}', '{"version": 1, "within_s": 0}', '{"version": 1, "within_s": 9, "vocabulary": [7]}']
)
def test_a_request_that_cannot_be_is_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=UtteranceRequest)


def test_a_vocabulary_is_cut_to_what_may_be_sent() -> None:
    vocabulary = ["x" * (MOST_CHARS + 1), "kitchen", *["light"] * MOST_PHRASES]
    sent = sendable(vocabulary)
    assert (sent[0], len(sent)) == ("kitchen", MOST_PHRASES)
    decoded = msgspec.json.decode(
        msgspec.json.encode(UtteranceRequest(version=VERSION, within_s=1.0, vocabulary=sent)), type=UtteranceRequest
    )
    assert decoded.vocabulary == sent
