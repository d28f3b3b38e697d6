"""The examples of the documentation are run as a reader would run them: block after block, on a clock that jumps.

A ``text`` block says what the Python block before it prints. A block that is named after its language, such as
``toml sayso.toml``, is written to a file of that name first.
"""

import ast
import doctest
import importlib
import inspect
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import runtime
from tests.pages import Block, fenced_blocks, literal_blocks, text_of

EXAMPLES = {
    "docs/dialects.md": tuple(fenced_blocks(text_of(Path("docs/dialects.md")))),
    "docs/extending.md": tuple(fenced_blocks(text_of(Path("docs/extending.md")))),
    "runtime/__init__.py": tuple(literal_blocks(inspect.getdoc(runtime) or "")),
}

MODULES = (
    "protocol.audio.endpointing",
    "protocol.audio.pcm_buffer",
    "protocol.language.requests",
    "protocol.language.sentences",
    "runtime.policies.breaker",
    "runtime.policies.fair_queue",
)
"""Modules whose docstrings have examples with their results."""


def run_all(blocks: Sequence[Block], capsys: pytest.CaptureFixture[str]) -> None:
    """Run the Python blocks in order in one namespace, and compare what each prints."""
    namespace: dict[str, Any] = {"__name__": "example"}
    for block, following in zip(blocks, (*blocks[1:], None), strict=True):
        if block.name:
            file = Path(block.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if block.language == "python":
            tree = ast.parse(block.text)
            ast.increment_lineno(tree, block.line - 1)
            exec(compile(tree, "example", "exec"), namespace)
            expected = following.text if following is not None and following.language == "text" else ""
            assert capsys.readouterr().out == expected, f"the block of line {block.line}"


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_of_a_page_do_what_it_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(block.language == "python" for block in EXAMPLES[page])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trio, "run", partial(trio.run, clock=MockClock(autojump_threshold=0)))
    run_all(EXAMPLES[page], capsys)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_print_what_they_say(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_an_example_that_prints_something_else_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = tuple(fenced_blocks("```python\nprints = 1\nprint(prints)\n```\n\n```text\n2\n```\n"))
    with pytest.raises(AssertionError, match="the block of line 2"):
        run_all(blocks, capsys)


def test_blocks_of_a_docstring_are_found_with_what_they_print() -> None:
    blocks = tuple(literal_blocks("Do this::\n\n    print(1)\n\n    print(2)\n\nwhich prints::\n\n    1\n    2"))
    assert [(block.language, block.text) for block in blocks] == [
        ("python", "print(1)\n\nprint(2)\n"),
        ("text", "1\n2\n"),
    ]
