from pathlib import Path

import pytest

from backends.commands.grammar import HassilGrammar
from backends.commands.shipped import shipped_files

OWN = """
language: en
intents:
  Dance:
    tool: home/dance
    data:
      - sentences: ["dance [with me]"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def test_every_language_is_read_once_for_each_list_of_programs() -> None:
    assert shipped_files(("editor",)) is shipped_files(("editor",))
    assert {file.language for file in shipped_files(())} == {"en", "de"}


def test_sentences_that_start_programs_are_there_with_programs_only() -> None:
    with_programs, without = (
        {f"{file.language} {name}" for file in shipped_files(programs) for name in file.commands}
        for programs in (("editor",), ())
    )
    assert with_programs - without == {"en RunProgram", "de RunProgram"}
    assert without < with_programs


def test_a_users_file_leaves_other_grammars_as_they_are(own: Path) -> None:
    bare = HassilGrammar()
    for _ in range(2):
        mine = HassilGrammar([own])
        assert mine.match(["dance"], "en").tool == "dance"
        assert mine.match(["what time is it"], "en") == bare.match(["what time is it"], "en")
    assert bare.match(["dance"], "en") is None
    assert HassilGrammar().match(["dance"], "en") is None


def test_built_in_sentences_are_compiled_once(own: Path) -> None:
    first, second = HassilGrammar([own]), HassilGrammar([own])
    assert first._languages["de"] is second._languages["de"]
    assert first._languages["en"] is not second._languages["en"]
    assert first._languages["en"].grammars[-1] is second._languages["en"].grammars[-1]
