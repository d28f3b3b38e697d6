"""Deepgram's parameters: what is taken, what has no effect, and what is refused by its name."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.deepgram.listen_query import (
    OPUS_RATE_HZ,
    UNSERVED,
    BadListenQuery,
    ListenQuery,
    ListenSound,
    terms_of,
)
from protocol.messages.event_values import MAX_TERM_CHARS, MAX_VOCABULARY


def read(**values: str) -> ListenQuery:
    return ListenQuery.read({name: (value,) for name, value in values.items()})


def test_without_parameters_a_container_in_the_servers_usual_language_is_expected() -> None:
    assert read() == ListenQuery()


def test_what_the_sdk_of_a_voice_agent_sends_is_taken() -> None:
    query = read(
        model="nova-3",
        language="en-US",
        encoding="linear16",
        sample_rate="16000",
        channels="2",
        interim_results="true",
        vad_events="true",
        utterance_end_ms="1000",
        endpointing="300",
        smart_format="true",
        punctuate="true",
        no_delay="true",
        filler_words="false",
    )
    assert query == ListenQuery(
        sound=ListenSound("linear16", 16_000, 2),
        language="en-US",
        named_model="nova-3",
        interim=True,
        tells_speech=True,
        utterance_end_ms=1_000,
    )


@pytest.mark.parametrize("name", ["nova-3", "nova-2-phonecall", "enhanced", "base-general", "general", "whisper-large"])
def test_a_model_of_deepgrams_is_the_usual_one(name: str) -> None:
    query = read(model=name)
    assert (query.model, query.named_model) == (None, name)


@pytest.mark.parametrize("name", ["base", "tiny.en", "large-v3"])
def test_any_other_model_is_asked_for_by_its_name(name: str) -> None:
    assert read(model=name).model == name


@pytest.mark.parametrize(
    ("values", "language"),
    [({}, None), ({"language": "multi"}, None), ({"language": "de"}, "de"), ({"detect_language": "true"}, None)],
)
def test_the_language_may_be_left_open(values: dict[str, str], language: str | None) -> None:
    assert read(**values).language == language


@pytest.mark.parametrize(("text", "ends"), [("false", False), ("true", True), ("10", True), ("", True)])
def test_endpointing_is_a_boolean_or_a_time(text: str, ends: bool) -> None:
    assert read(endpointing=text).ends_speech is ends


def test_opus_needs_no_rate() -> None:
    assert read(encoding="opus").sound.sample_rate_hz == OPUS_RATE_HZ


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoding": "linear16"}, "sample_rate must be given with encoding linear16"),
        ({"encoding": "flac"}, "encoding must be one of linear16"),
        ({"encoding": "linear16", "sample_rate": "1"}, "sample_rate must be a whole number from 8000 to 48000"),
        ({"sample_rate": "16000.0"}, "sample_rate must be"),
        ({"sample_rate": "-16000"}, "sample_rate must be"),
        ({"sample_rate": "\uff19000"}, "sample_rate must be"),
        ({"sample_rate": "9" * 5_000}, "sample_rate must be"),
        ({"channels": "0"}, "channels must be a whole number from 1 to 2, not '0'"),
        ({"channels": "3"}, "channels must be"),
        ({"interim_results": "yes"}, "interim_results must be true or false, not 'yes'"),
        ({"endpointing": "soon"}, "endpointing must be"),
        ({"utterance_end_ms": "0"}, "utterance_end_ms must be"),
        ({"language": "klingon"}, "language must be a code"),
    ],
)
def test_a_wrong_value_is_told_with_its_name(values: dict[str, str], message: str) -> None:
    with pytest.raises(BadListenQuery, match=f"^{message}"):
        read(**values)


@pytest.mark.parametrize("name", UNSERVED)
def test_what_is_not_served_is_refused_unless_it_is_false(name: str) -> None:
    assert read(**{name: "false"}) == ListenQuery()
    with pytest.raises(BadListenQuery, match=f"^{name} is not served here"):
        read(**{name: "true"})


def test_words_to_expect_come_once_without_their_weights() -> None:
    values = {"keyterm": ("Zoe", "kitchen lamp"), "keyterm[]": ("Zoe",), "keywords": ("Anna:2", "Kim:-1.5", "")}
    assert ListenQuery.read(values).vocabulary == ("Zoe", "kitchen lamp", "Anna", "Kim")


def test_of_many_words_the_first_are_expected() -> None:
    terms = terms_of([f"word{number}" for number in range(200)] + ["x" * (MAX_TERM_CHARS + 1)])
    assert terms == tuple(f"word{number}" for number in range(MAX_VOCABULARY))


NAMES = st.sampled_from(
    [*UNSERVED, "encoding", "sample_rate", "channels", "language", "model", "keyterm", "endpointing"]
)


@given(st.dictionaries(NAMES | st.text(max_size=8), st.lists(st.text(max_size=20), max_size=3), max_size=5))
def test_whatever_is_asked_is_read_or_refused(values: Mapping[str, Sequence[str]]) -> None:
    try:
        query = ListenQuery.read(values)
    except BadListenQuery:
        return
    assert len(query.vocabulary) <= MAX_VOCABULARY
