"""The pages of the documentation as their tests read them: fenced blocks, links, and the examples of a docstring."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from tests.source_tree import ROOT, committed_files

FENCE: Final = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LITERAL: Final = re.compile(r"^(?P<told>[^\n]*)::\n\n(?P<code>(?:(?: {4}[^\n]*)?\n)+)", re.MULTILINE)
SPAN: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@attrs.frozen
class Block:
    """One block of code."""

    language: str
    """``python``, ``toml``, ``text`` and so on; empty if the page does not say."""
    name: str
    """The file that it is, after the language; empty for none."""
    text: str
    line: int
    """Of the page, counted from 1, where its text begins."""


def pages() -> tuple[Path, ...]:
    """Return every page, relative to the root."""
    return tuple(path for path in committed_files() if path.suffix == ".md")


def text_of(page: Path) -> str:
    """Return a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def fenced_blocks(page: str) -> Iterator[Block]:
    """Yield the blocks between fences, in order."""
    for match in FENCE.finditer(page):
        language, _, name = match[2].strip().partition(" ")
        yield Block(language, name.strip(), textwrap.dedent(match[3]), page.count("\n", 0, match.start(3)) + 1)


def literal_blocks(docstring: str) -> Iterator[Block]:
    """Yield the blocks below a line that ends in ``::``; they are Python, but for those of which it says "prints"."""
    for match in LITERAL.finditer(docstring + "\n"):
        language = "text" if match["told"].endswith("prints") else "python"
        yield Block(language, "", textwrap.dedent(match["code"]).rstrip() + "\n", docstring.count("\n", 0, match.end()))


def links(page: str) -> list[str]:
    """Return the addresses that a page links to, outside of its code."""
    return LINK.findall(SPAN.sub("", FENCE.sub("", page)))


def commands(page: str, program: str) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of each call of ``program`` that a page shows: in a line of code, or between backquotes."""
    code = [line for block in fenced_blocks(page) for line in block.text.splitlines()]
    code += [line for line in FENCE.sub("", page).splitlines() if line.startswith("    ")]
    for line in (*code, *SPAN.findall(FENCE.sub("", page))):
        call = re.match(rf" *(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?{program}(?: +(.*))?$", line)
        if call is not None:
            yield tuple(shlex.split(call[1] or "", comments=True))
