import pytest

from protocol.captions import Caption, to_srt, to_verbose, to_vtt, whole_text

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
        "start": 0.048,
        "end": 2.43,
        "text": "Turn on the light.",
        "confidence": 0.912,
    }


@pytest.mark.parametrize(("seconds", "clock"), [(59.9996, "00:01:00,000"), (0.0, "00:00:00,000")])
def test_a_time_is_rounded_as_a_whole(seconds, clock):
    assert clock in to_srt([Caption(seconds, seconds, "x", 1.0)])
