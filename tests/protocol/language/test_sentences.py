"""Cutting replies into sentences."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.language.sentences import MAX_CHARS, SentenceCutter, speakable


def cut(*chunks: str) -> list[str]:
    cutter = SentenceCutter()
    return [sentence for chunk in chunks for sentence in cutter.feed(chunk)] + cutter.flush()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is ten. It rains! Really? Yes", ["It is ten.", "It rains!", "Really?", "Yes"]),
        ("Dr. Smith met Mrs. Jones. They talked.", ["Doctor Smith met Missus Jones.", "They talked."]),
        ("It costs 3.50 euros. Fine.", ["It costs 3.50 euros.", "Fine."]),
        ("The answer is no. Take No. 5 instead.", ["The answer is no.", "Take number 5 instead."]),
        ("Use a tool, e.g. a hammer. Done.", ["Use a tool, for example a hammer.", "Done."]),
        ("It is 5 p.m. in Rome. Bye.", ["It is five PM in Rome.", "Bye."]),
        ("It is 5 p.m. The shop closes.", ["It is five PM.", "The shop closes."]),
        ("J. R. R. Tolkien wrote it. So did I. Good.", ["J. R. R. Tolkien wrote it.", "So did I.", "Good."]),
        ("Well... maybe. Hmm… Yes.", ["Well... maybe.", "Hmm…", "Yes."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("Er kommt z. B. um 5 Uhr. Gut.", ["Er kommt z. B. um 5 Uhr.", "Gut."]),
        ("What?! No way.", ["What?!", "No way."]),
        ("Open example.com now. Ok.", ["Open example dot com now.", "Ok."]),
        ("First line\nSecond line\n\nThird", ["First line", "Second line", "Third"]),
        ("1. Milk\n2. Eggs", ["1. Milk", "2. Eggs"]),
        ("今天天气很好。「你好。」他说。再见", ["今天天气很好。", "「你好。」", "他说。", "再见"]),
        ("He lives in the U.S.A. and works. Good.", ["He lives in the U.S.A. and works.", "Good."]),
        ("Nimm z.B. Hammer. Gut.", ["Nimm z.B. Hammer.", "Gut."]),
        ("<think>\nWhat? Yes.\n</think>\n\nIt is ten. Bye", ["It is ten.", "Bye"]),
        ("", []),
        (" \n \n", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    assert cut(text) == sentences
    assert cut(*text) == sentences


def test_a_full_stop_waits_for_what_follows() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("It is 3.") == []
    assert cutter.feed("5 degrees.") == []
    assert cutter.feed(" ") == ["It is 3.5 degrees."]
    assert cutter.flush() == []


def test_the_first_clause_goes_out_early_and_only_the_first() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("In the morning there will be rain, ") == ["In the morning there will be rain,"]
    assert cutter.feed("and in the afternoon there will be sun, and ") == []
    assert cutter.feed("wind. ") == ["and in the afternoon there will be sun, and wind."]


def test_a_clause_of_the_second_sentence_is_not_the_first() -> None:
    assert cut("Ok. Then in the morning, we go.") == ["Ok.", "Then in the morning, we go."]


@pytest.mark.parametrize("blanks", [" ", "  ", " \t "])
def test_what_follows_is_waited_for_even_at_the_maximum(blanks: str) -> None:
    longest = "a " + "b" * (MAX_CHARS - 5) + "..."
    assert cut(longest + blanks + "Next.") == cut(*longest, *blanks, *"Next.") == [longest, "Next."]


def test_a_short_first_clause_is_not_chopped_off() -> None:
    assert cut("Yes, it is. Good.") == ["Yes, it is.", "Good."]


def test_a_comma_inside_a_number_is_no_clause() -> None:
    assert cut("The distance is about 384,400 km.") == ["The distance is about 384,400 kilometers."]


def test_a_sentence_without_end_is_cut_after_a_clause_or_between_words() -> None:
    with_clauses = "Done. " + "one two three, " * 40
    assert all(len(sentence) <= MAX_CHARS for sentence in cut(with_clauses))
    assert all(sentence.endswith(",") for sentence in cut(with_clauses)[1:])
    without = cut("word " * 200)
    assert {word for sentence in without for word in sentence.split()} == {"word"}
    assert sum(len(sentence.split()) for sentence in without) == 200


def test_a_word_without_end_is_cut_all_the_same() -> None:
    assert cut("x" * 600) == ["x" * MAX_CHARS, "x" * MAX_CHARS, "x" * 120]


def test_code_is_not_spoken() -> None:
    text = "Run this:\n```python\nprint('Hello. World')\n# done\n```\nIt prints."
    assert cut(text) == cut(*text) == ["Run this:", "It prints."]


def test_code_that_is_never_closed_is_not_spoken_either() -> None:
    assert cut("Look:\n```\nx = 1\ny = 2") == ["Look:"]


def test_after_flush_it_begins_anew() -> None:
    cutter = SentenceCutter()
    cutter.feed("```\ncode")
    assert cutter.flush() == []
    assert cutter.feed("This one now is to be spoken, of course. ") == ["This one now is to be spoken,", "of course."]


@pytest.mark.parametrize(
    ("markdown", "spoken"),
    [
        ("## A *big* **day**", "A big day"),
        ("- [x] buy `milk`", "buy milk"),
        ("> quoted", "quoted"),
        ("see [the docs](https://x.y/z) and ![a cat](cat.png)", "see the docs and a cat"),
        ("at https://www.example.com/a/b?c=1 now", "at example dot com now"),
        ("| tea | 3 |", "tea, 3"),
        ("|---|:--|", ""),
        ("***", ""),
        ("snake_case, 3 * 4 and 2*3", "snake_case, 3 times 4 and 2 times 3"),
        ("_really_ ~~old~~ __new__", "really old new"),
        ("20 °C<br>today \U0001f600", "twenty degrees Celsius today"),
        ("2**10 is **1024**", "two to the power of ten is 1024"),
        ("a **5** b **55** c", "a 5 b 55 c"),
        ("[Link](https://a.b/c_(d))", "Link"),
        ("[Link](https://a.b/c 'Title') and ![](x.png) end", "Link and end"),
        ("a <b and c> d", "a is less than b and c is greater than d"),
        ('<b>bold</b> <a href="x">link</a><br/>end', "bold link end"),
        ("open www.example.com/a/b.html?x=1.", "open example dot com."),
        ("see (https://example.com/a).", "see (example dot com)."),
        ("at http://localhost:8000/ now", "at localhost now"),
        ("write to a.b@example.com", "write to a dot b at example dot com"),
        ("<think>hmm</think>It is ten.", "It is ten."),
        ("It is 3:00 PM in Tokyo.", "It is three PM in Tokyo."),
        ("-5 degrees", "minus 5 degrees"),
    ],
)
def test_markdown_is_not_spoken(markdown: str, spoken: str) -> None:
    assert speakable(markdown) == spoken


def test_figures_are_read_in_the_language_of_the_answer() -> None:
    cutter = SentenceCutter("de-AT")

    assert [*cutter.feed("Es sind 12 °C."), *cutter.flush()] == ["Es sind zwölf Grad Celsius."]
    assert speakable("Il fait 12 °C.", language="fr") == "Il fait 12 °C."


def test_what_would_become_too_long_in_words_stays_in_figures() -> None:
    text = "2°C " * 60

    assert speakable(text) == text.strip()


pieces = st.lists(
    st.sampled_from(
        ["Hello", "Dr", "etc", "p.m", "5", ". ", ".", "...", "! ", "?", ", ", "\n", " ", "  ", "```", "**", '"', "- "]
    )
    | st.sampled_from(
        [
            "<think>",
            "</thi",
            "nk>",
            "<",
            "3:00",
            "PM",
            "$4",
            "1. ",
            "a long clause of words",
            "\u3002",
            "\u300d",
            "x" * 100,
        ]
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(pieces, st.integers(1, 50))
def test_how_the_text_was_divided_makes_no_difference(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole = cut(text)
    assert cut(*text) == whole
    assert cut(*(text[at : at + size] for at in range(0, len(text), size))) == whole


@given(st.text(st.characters(), max_size=400))
def test_any_text_is_cut_into_bounded_sentences_with_something_to_say(text: str) -> None:
    for sentence in cut(text):
        assert any(char.isalnum() for char in sentence)
        assert sentence == sentence.strip()
        assert "\n" not in sentence


@given(st.lists(st.sampled_from(["one", "two,", "three.", "four!", "five"]), max_size=80))
def test_no_word_is_lost_or_said_twice(words: list[str]) -> None:
    assert " ".join(cut(" ".join(words))).split() == words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Heute ist der 3. Mai. Gut.", ["Heute ist der dritte Mai.", "Gut."]),
        (
            "Das ist Freitag, der 4. Dezember 2026. Gut.",
            ["Das ist Freitag, der vierte Dezember 2026.", "Gut."],
        ),
        ("Der 2. Weltkrieg endete. Gut.", ["Der zweite Weltkrieg endete.", "Gut."]),
        ("Ludwig XIV. war König. Gut.", ["Ludwig der Vierzehnte war König.", "Gut."]),
        ("Ich habe 5. Du auch.", ["Ich habe 5.", "Du auch."]),
        ("Es sind 5 Mio. Menschen. Gut.", ["Es sind 5 Millionen Menschen.", "Gut."]),
        ("Er wohnt Goethestr. 5. Gut.", ["Er wohnt Goethestraße 5.", "Gut."]),
    ],
)
def test_a_german_ordinal_does_not_end_a_sentence(text: str, sentences: list[str]) -> None:
    whole, streamed = SentenceCutter("de"), SentenceCutter("de")
    assert whole.feed(text) + whole.flush() == sentences
    assert [sentence for char in text for sentence in streamed.feed(char)] + streamed.flush() == sentences


def test_a_short_month_or_day_does_not_end_a_sentence() -> None:
    assert cut("It is due Nov. 27 at ten. Good.") == ["It is due November 27th at ten.", "Good."]
    assert cut("See you Tues. at five. Good.") == ["See you Tuesday at five.", "Good."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("~~~\nx = 1\n~~~\nDone.", ["Done."]),
        ("````\n```\nx\n```\n````\nDone.", ["Done."]),
        ("```print(1)``` is code.\nDone.", ["print(1) is code.", "Done."]),
        ("```\n~~~\n```\nDone.", ["Done."]),
    ],
)
def test_blocks_of_code_end_where_they_were_opened(text: str, sentences: list[str]) -> None:
    assert cut(text) == cut(*text) == sentences
