from pathlib import Path

import pytest

from backends.commands.grammar import HassilGrammar
from backends.commands.lead_ins import LEAD_INS, lead_in
from backends.commands.spoken_numbers import normalise

OWN = """\
language: en
intents:
  Nap: {tool: bed/nap, data: [{sentences: [i need to nap]}]}
  Dance: {tool: bed/dance, data: [{sentences: [dance]}]}
"""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("i need you to clear the list", 4),
        ("lets go ahead and clear the list", 4),
        ("i need for you to just clear the list", 6),
        ("clear the list", 0),
        ("i need to", 0),
        ("", 0),
    ],
)
def test_the_words_that_lead_to_an_order_are_counted(text: str, size: int) -> None:
    assert lead_in(text.split(), "en") == size


def test_a_language_without_a_table_has_no_lead_ins() -> None:
    assert lead_in(["i", "need", "you", "to", "clear", "the", "list"], "fr") == 0


@pytest.mark.parametrize("code", LEAD_INS)
def test_lead_ins_are_written_as_spoken_text_is(code: str) -> None:
    assert all(normalise(each, code) == each for each in LEAD_INS[code])


def test_a_command_behind_a_lead_in_is_understood() -> None:
    match = HassilGrammar().match(["I need you to add milk to my shopping list"], "en")
    assert match is not None
    assert (match.tool, dict(match.arguments)) == ("add_to_list", {"item": "milk", "list_name": "shopping"})
    assert match.confidence == 1.0


def test_a_sentence_that_begins_with_a_lead_in_is_understood_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    grammar = HassilGrammar([tmp_path])
    for text, tool in [
        ("I need to nap", "nap"),
        ("I need to dance", "dance"),
        ("I need to wake up at six", "set_alarm"),
    ]:
        match = grammar.match([text], "en")
        assert match is not None, text
        assert match.tool == tool
