import pytest

from protocol.audio.captions import Caption, to_srt, to_verbose, to_vtt, to_words, whole_text
from protocol.messages.hearing import Recognition, SpokenWord, Utterance

CAPTIONS = [Caption(0.048, 2.43, "Turn on the light.", 0.912), Caption(3_661.5, 3_662.0, "a < b --> c", 0.5)]


def test_the_text_is_all_that_was_said():
    assert whole_text(CAPTIONS) == "Turn on the light. a < b --> c"
    assert whole_text([]) == ""


def test_subrip_numbers_its_lines_and_has_commas():
    assert to_srt(CAPTIONS) == (
        "1\n00:00:00,048 --> 00:00:02,430\nTurn on the light.\n\n2\n01:01:01,500 --> 01:01:02,000\na < b --> c\n\n"
    )


def test_webvtt_cannot_be_broken_by_the_text():
    assert to_vtt(CAPTIONS) == (
        "WEBVTT\n\n00:00:00.048 --> 00:00:02.430\nTurn on the light.\n\n"
        "01:01:01.500 --> 01:01:02.000\na &lt; b --&gt; c\n\n"
    )


def test_the_long_form_has_its_segments():
    page = to_verbose(CAPTIONS, language="en", duration_s=4_000.12345)

    assert (page["language"], page["duration"], page["text"]) == ("en", 4_000.123, whole_text(CAPTIONS))
    assert page["segments"][0] == {
        "id": 0,
        "seek": 5,
        "start": 0.048,
        "end": 2.43,
        "text": "Turn on the light.",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": -0.092,
        "compression_ratio": 0.692,
        "no_speech_prob": 0.0,
        "confidence": 0.912,
    }


def test_a_confidence_of_nothing_has_a_logarithm_too():
    page = to_verbose([Caption(0.0, 1.0, "ab " * 50, 0.0)], language="en", duration_s=1.0)

    assert page["segments"][0]["avg_logprob"] == -13.816
    assert page["segments"][0]["compression_ratio"] > 2.4


@pytest.mark.parametrize(("seconds", "clock"), [(59.9996, "00:01:00,000"), (0.0, "00:00:00,000")])
def test_a_time_is_rounded_as_a_whole(seconds, clock):
    assert clock in to_srt([Caption(seconds, seconds, "x", 1.0)])


def test_a_caption_has_the_times_of_its_part_and_the_words_of_its_transcript():
    words = (SpokenWord("Hi.", 10, 250, 0.9),)
    utterance = Utterance(b"", start_ms=1_500, end_ms=2_250)
    assert Caption.of(utterance, Recognition("Hi.", "en", 0.7, words=words)) == Caption(1.5, 2.25, "Hi.", 0.7, words)


def test_words_have_their_times_from_the_beginning_of_the_recording():
    said = [
        Caption(1.5, 2.5, "a b", 1.0, (SpokenWord("a", 0, 250, 0.9), SpokenWord("b", 300, 999, 0.9))),
        Caption(9.0, 9.5, "c", 1.0, (SpokenWord("c", 120, 450, 0.9),)),
    ]
    assert to_words(said) == [
        {"word": "a", "start": 1.5, "end": 1.75},
        {"word": "b", "start": 1.8, "end": 2.499},
        {"word": "c", "start": 9.12, "end": 9.45},
    ]
