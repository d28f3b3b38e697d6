"""What a model thinks is neither shown nor spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.language.thoughts import ThoughtFilter, without_thoughts


def passed(*chunks: str) -> str:
    thoughts = ThoughtFilter()
    return "".join(map(thoughts.feed, chunks)) + thoughts.flush()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>hmm</think>It is ten.", "It is ten."),
        ("<think>\nhmm <b>\n</think>\n\nIt is ten.", "It is ten."),
        ("<THINK>a</THINK> b", "b"),
        ("<thinking>a</thinking>b", "b"),
        ("One. <think>a</think> Two.", "One. Two."),
        ("never closed <think>and so on", "never closed "),
        ("hmm</think>It is ten.", "hmmIt is ten."),
        ("1 < 2 and <b>bold</b>", "1 < 2 and <b>bold</b>"),
        ("it ends with <thi", "it ends with <thi"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out(text: str, shown: str) -> None:
    assert without_thoughts(text) == shown
    assert passed(*text) == shown


def test_only_what_may_be_a_tag_waits() -> None:
    thoughts = ThoughtFilter()

    assert thoughts.feed("ten <th") == "ten "
    assert thoughts.feed("ree") == "<three"


def test_after_flush_it_begins_anew() -> None:
    thoughts = ThoughtFilter()
    thoughts.feed("<think>a")
    thoughts.flush()

    assert thoughts.feed("b") == "b"


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "ink>", " ", "a", "\n", "</"]), max_size=30))
def test_how_the_text_was_divided_makes_no_difference(parts: list[str]) -> None:
    assert passed(*parts) == without_thoughts("".join(parts))
