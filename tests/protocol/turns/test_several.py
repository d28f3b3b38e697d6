"""Which commands a sentence holds, by a grammar of a few sentences."""

from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.understanding import CommandMatch, SlotQuestion
from protocol.turns.several import (
    ELLIPTICAL_CONFIDENCE,
    MAX_LOOKED_UP,
    MAX_PARTS,
    Part,
    Parts,
    completions,
    parts_of,
)


def command(intent, text, /, *, free=False, **slots):
    return CommandMatch(intent, "t", intent, slots, 1.0, text, slots=slots, has_free_text=free)


KNOWN = {
    match.text: match
    for match in (
        command("light", "turn on the kitchen light", where="kitchen"),
        command("light", "turn on the bedroom light", where="bedroom"),
        command("timer", "set a timer for 5 minutes", seconds=300),
        command("timer", "set a timer for ten minutes", seconds=600),
        command("timer", "set a timer for an hour and thirty minutes", seconds=5400),
        command("time", "what time is it"),
        command("add", "add milk to my shopping list", free=True, item="milk"),
        command("add", "add eggs to my shopping list", free=True, item="eggs"),
        command("add", "add milk and eggs to my shopping list", free=True, item="milk and eggs"),
        command("note", "take a note buy milk", free=True, text="buy milk"),
        command("note", "take a note buy eggs", free=True, text="buy eggs"),
        command("note", "take a note buy milk and eggs", free=True, text="buy milk and eggs"),
        command("note", "take a note buy milk and set a timer for 5 minutes", free=True, text="buy milk and ..."),
    )
}


def parsed(text, known: Mapping[str, CommandMatch] = KNOWN, language="en") -> tuple[Parts, int]:
    """Return what a sentence is, and how often the grammar was asked."""
    search, count = parts_of(text, language), 1
    looked_up = next(search)
    try:
        while True:
            looked_up = search.send(known.get(looked_up))
            count += 1
    except StopIteration as end:
        return end.value, count


def texts(parts):
    return [None if part.match is None else part.match.text for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "what time is it",
        "set a timer for an hour and thirty minutes",
        "add milk and eggs to my shopping list",
        "take a note buy milk and eggs",
        "take a note buy milk and set a timer for 5 minutes",
    ],
)
def test_a_sentence_that_is_a_command_stays_one(text):
    assert parsed(text)[0] == Parts(KNOWN[text])


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("turn on the kitchen light and set a timer for 5 minutes", ["light", "timer"]),
        ("what time is it and add milk and eggs to my shopping list", ["time", "add"]),
        ("what time is it and take a note buy milk and eggs", ["time", "note"]),
        (
            "what time is it, set a timer for an hour and thirty minutes, then what time is it",
            ["time", "timer", "time"],
        ),
        ("and what time is it", ["time"]),
    ],
)
def test_a_sentence_is_cut_where_every_part_is_a_command(text, commands):
    assert [part.match.intent for part in parsed(text)[0].several] == commands


def test_free_text_that_holds_an_and_gives_way_to_parts_without_any():
    swallowed = command(
        "light", "turn on the kitchen light and the bedroom light", free=True, where="kitchen light and"
    )
    parts, _ = parsed(swallowed.text, KNOWN | {swallowed.text: swallowed})
    assert texts(parts.several) == ["turn on the kitchen light", "turn on the bedroom light"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("turn on the kitchen light and the bedroom light", "turn on the bedroom light"),
        ("set a timer for 5 minutes and another for ten", "set a timer for ten minutes"),
        ("add milk to my shopping list and eggs", "add eggs to my shopping list"),
    ],
)
def test_a_part_may_leave_out_what_was_said_before_it_and_is_less_sure(text, meant):
    [_, part] = parsed(text)[0].several
    assert part.match == attrs.evolve(KNOWN[meant], confidence=ELLIPTICAL_CONFIDENCE)


def test_what_would_change_more_than_one_slot_is_not_completed():
    other = command("light", "turn on the bright bedroom light", where="bedroom", level="bright")
    parts, _ = parsed("turn on the kitchen light and the bright bedroom light", KNOWN | {other.text: other})
    assert not parts.several


def test_nothing_is_completed_from_a_part_that_lacks_something():
    lacking = attrs.evolve(KNOWN["what time is it"], question=SlotQuestion("place", "Where?"))
    assert not parsed("what time is it and kitchen", KNOWN | {lacking.text: lacking})[0].several


def test_a_sentence_that_is_understood_in_part_is_told_by_its_parts():
    parts, _ = parsed("order a pizza and a coke and what time is it, please order it")
    known = Part("what time is it", KNOWN["what time is it"])
    assert parts == Parts(partly=(Part("order a pizza and a coke"), known, Part("please order it")))


def test_what_holds_no_command_is_nothing():
    assert parsed("i went home and slept") == (Parts(), 3)
    assert parsed("order a pizza") == (Parts(), 1)


def test_more_parts_than_five_are_no_sentence():
    assert len(parsed(" and ".join(["what time is it"] * MAX_PARTS))[0].several) == MAX_PARTS
    assert not parsed(" and ".join(["what time is it"] * (MAX_PARTS + 1)))[0].several


@given(st.lists(st.sampled_from([*KNOWN, "eggs", "the bedroom light", "oh well"]), min_size=1, max_size=8))
def test_the_grammar_is_asked_a_bounded_number_of_times(pieces):
    parts, count = parsed(" and ".join(pieces))
    assert count <= MAX_LOOKED_UP
    assert len(parts.several) <= MAX_PARTS
    assert all(part.match is not None for part in parts.several)
    assert not parts.partly or {part.match is None for part in parts.partly} == {True, False}


def test_german_parts_are_completed_too():
    assert "stelle einen timer auf zehn minuten" in completions(
        "stelle einen timer auf 5 minuten", "noch einen auf zehn", "de"
    )


def test_nothing_is_completed_without_words():
    assert list(completions("set a timer", "another", "en")) == []
    assert list(completions("help", "me", "en")) == []
