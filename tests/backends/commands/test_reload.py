import os
from pathlib import Path

import pytest

from backends.commands.files import CommandFileError
from backends.commands.grammar import HassilGrammar
from backends.commands.reload import ReloadedCommandFiles, ReloadingGrammar, stamp_of
from tests.rlimits import no_more_files

LIGHTS = """
language: en
intents:
  Lights:
    tool: home/lights
    data:
      - sentences: ["{sentence}"]
"""


@pytest.fixture
def grammar(tmp_path: Path):
    return ReloadingGrammar(lambda: HassilGrammar([tmp_path]), [tmp_path])


def write(folder: Path, text: str, name: str = "lights.yaml") -> None:
    file = folder / name
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000_000, before + 1_000_000_000))  # never the same tick of the file system


def with_sentence(sentence: str) -> str:
    return LIGHTS.format(sentence=sentence)


def test_a_sentence_works_as_soon_as_its_file_was_looked_at(grammar, tmp_path):
    assert grammar.match(["make it cosy"], "en") is None
    before = grammar.automaton("en")
    write(tmp_path, with_sentence("make it cosy"))
    assert grammar.match(["make it cosy"], "en") is None

    assert grammar.check() == ReloadedCommandFiles(None, 1)

    assert grammar.match(["make it cosy"], "en").tool == "lights"
    assert grammar.match_exactly("make it cosy", "en").tool == "lights"
    assert grammar.begins("make it", "en")
    assert "cosy" in " ".join(grammar.vocabulary("en"))
    assert grammar.samples()[0].samples == ("make it cosy",)
    assert "cosy" in grammar.automaton("en").labels
    assert grammar.automaton("en").version != before.version


def test_files_that_have_not_changed_are_not_read_again(grammar, tmp_path):
    write(tmp_path, with_sentence("make it cosy"))
    grammar.check()

    assert grammar.check() is None


def test_a_mistake_changes_nothing_and_is_told_once_with_its_place(grammar, tmp_path):
    write(tmp_path, with_sentence("make it cosy"))
    grammar.check()
    write(tmp_path, with_sentence("make it {colour}"))

    change = grammar.check()

    assert change.problem is not None
    assert "lights.yaml:" in change.problem
    assert grammar.match(["make it cosy"], "en") is not None
    assert grammar.check() is None


@pytest.mark.parametrize(
    "wrong",
    [
        "language: en\nintents: " + "[" * 5_000,
        "language: en\nintents: &a [*a]\n",
        "language: en\nintents:\n  2026-02-30: {}\n",
        "language: en\nintents:\n  on: {}\n  off: {}\n  yes: {}\n  no: {}\n  7: {}\n",
        "language: en\nintents:\n\tA: {}\n",
        "language: en\n\0",
        "language: en\n#" + "x" * 2**20,
    ],
)
def test_a_file_that_becomes_wrong_leaves_the_last_good_commands_and_is_told_once_in_one_line(grammar, tmp_path, wrong):
    write(tmp_path, with_sentence("make it cosy"))
    grammar.check()
    write(tmp_path, wrong)

    change = grammar.check()

    assert change.problem.startswith(f"{tmp_path}/lights.yaml:")
    assert "\n" not in change.problem
    assert grammar.check() is None
    assert grammar.match(["make it cosy"], "en").tool == "lights"


def test_of_many_mistakes_the_first_are_told_and_the_others_counted(grammar, tmp_path):
    write(tmp_path, with_sentence("make it cosy") + "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\n")

    problem = grammar.check().problem

    assert problem.count("lights.yaml:") == 3
    assert problem.endswith("; and 2 more")


def test_a_mended_file_is_taken_in(grammar, tmp_path):
    write(tmp_path, "language: en\nintents: 3\n")
    assert grammar.check().problem is not None
    write(tmp_path, with_sentence("make it bright"))

    assert grammar.check() == ReloadedCommandFiles(None, 1)
    assert grammar.match(["make it bright"], "en") is not None


def test_a_file_that_is_removed_takes_its_sentences_along(grammar, tmp_path):
    write(tmp_path, with_sentence("make it cosy"))
    grammar.check()
    (tmp_path / "lights.yaml").unlink()

    assert grammar.check() == ReloadedCommandFiles(None, 0)
    assert grammar.match(["make it cosy"], "en") is None
    assert grammar.match(["what time is it"], "en") is not None


def test_at_the_first_reading_a_mistake_is_the_callers(tmp_path):
    write(tmp_path, "language: en\nintents: 3\n")

    with pytest.raises(CommandFileError, match=r"lights\.yaml"):
        ReloadingGrammar(lambda: HassilGrammar([tmp_path]), [tmp_path])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert stamp_of([tmp_path / "nowhere"]) == ()


def test_a_change_of_the_same_length_is_seen_by_its_time(tmp_path):
    write(tmp_path, "a")
    before = stamp_of([tmp_path])
    write(tmp_path, "b")

    assert stamp_of([tmp_path]) != before


def test_a_look_that_the_system_does_not_allow_changes_nothing(grammar, tmp_path):
    write(tmp_path, with_sentence("make it cosy"))
    with no_more_files():
        assert grammar.check() is None

    assert grammar.check() == ReloadedCommandFiles(None, 1)
