import ast
import re

import pytest

from protocol.language import phrases
from protocol.language.german import LISTS, MONTHS, NOUNS, SENTENCES, WEEKDAYS
from tests.source_tree import ROOT


def sentences_of_the_server() -> set[str]:
    return {value for name, value in vars(phrases).items() if name.isupper() and isinstance(value, str)}


def sentences_of_the_tools() -> set[str]:
    """Return what ``told`` is called with; the sentences about units are put together from parts."""
    found = {sentence for sentence in SENTENCES if sentence.startswith("{given}")}
    for path in (ROOT / "backends" / "builtin").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "told":
                found |= {str(text.value) for text in ast.walk(node.args[0]) if isinstance(text, ast.Constant)}
    return found


def test_every_sentence_has_a_german_one_and_none_is_left_over() -> None:
    assert set(SENTENCES) == sentences_of_the_server() | sentences_of_the_tools()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_german_sentence_has_no_slot_that_the_english_one_lacks(sentence: str) -> None:
    slots = set(re.findall(r"{\w+[^}]*}", SENTENCES[sentence]))
    assert slots <= set(re.findall(r"{\w+[^}]*}", sentence))


def test_a_sentence_of_the_server_has_the_same_slots_in_german() -> None:
    for sentence in sentences_of_the_server():
        assert re.findall(r"{\w+}", SENTENCES[sentence]) == re.findall(r"{\w+}", sentence)


def test_names_of_days_lists_and_things_are_there() -> None:
    assert (len(WEEKDAYS), len(MONTHS)) == (7, 12)
    assert set(LISTS) == {"shopping", "to do"}
    assert all(one.split()[0] in {"ein", "eine"} for one, _ in NOUNS.values())
