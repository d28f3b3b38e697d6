"""The page of all settings (docs/configuration.md), made from the shipped defaults and their comments.

Each section of ``defaults.toml`` becomes a table: setting, default, what it does, and the guide's variable where there
is one. ``sayso config reference`` prints it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from config.aliases import ALIASES, NOT_YET

ROW: Final = re.compile(r"(?P<key>\w+) = (?P<value>(?:\"[^\"]*\"|\[[^\]]*\]|[^\s#]+))\s*(?:# (?P<what>.*))?")
HEADER: Final = re.compile(r"\[(?P<name>[\w.]+)\]")
COMMENT: Final = re.compile(r"\s*# ?(?P<text>.*)")

OPENING: Final = """# Settings

Every setting, its default and its reason. Made by `sayso config reference` from the shipped defaults; the values in
force, and where each came from, are shown by `sayso config`.

A setting is written in `sayso.toml` (`port = 9000` below `[gateway]`), as an environment variable
(`SAYSO_GATEWAY__PORT=9000`) or as a flag (`sayso serve --set gateway.port=9000`); the flag wins over the variable, and
the variable over the file. The last column has the performance guide's variable of the same meaning, which works too.
"""


class BadDefaults(ValueError):
    """A line of the defaults is none of the known kinds."""


@attrs.frozen
class Row:
    """One setting; ``default`` is TOML."""

    key: str
    default: str
    what: str


@attrs.frozen
class Section:
    """One table of the file, with what is said above it."""

    name: str
    about: str
    rows: Sequence[Row]


def sections(text: str) -> Iterator[Section]:
    """Yield the tables of a file of defaults; raises ``BadDefaults`` for a line that is not understood."""
    name, about, rows = "", "", list[Row]()
    before: list[str] = []  # comments that belong to what comes next
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.fullmatch(line):
            if name:
                yield Section(name, about, rows)
            name, about, rows, before = header["name"], " ".join(before), [], []
        elif row := ROW.fullmatch(line):
            rows.append(Row(row["key"], row["value"], " ".join([*before, row["what"] or ""]).strip()))
            before = []
        elif comment := COMMENT.fullmatch(line):
            if line.startswith("#"):
                before.append(comment["text"])
            elif rows:
                rows[-1] = attrs.evolve(rows[-1], what=f"{rows[-1].what} {comment['text']}")
        elif not line.strip():
            before = []
        else:
            raise BadDefaults(f"line {number} is neither a table, a setting nor a comment: {line}")
    yield Section(name, about, rows)


def reference(text: str) -> str:
    """Return the page as Markdown, from the text of ``defaults.toml``."""
    guide: dict[str, list[str]] = {}
    for alias in ALIASES:
        guide.setdefault(alias.key, []).append(alias.variable)
    lines = [OPENING]
    for section in sections(text):
        lines.append(f"## {section.name}\n")
        if section.about:
            lines.append(f"{section.about}\n")
        if not section.rows:  # a table of the user's own names
            lines += [f"The guide's name: {_names(guide, section.name)}.\n"] if section.name in guide else []
            continue
        lines += ["| setting | default | what it does | the guide's |", "|---|---|---|---|"]
        for row in section.rows:
            named = _names(guide, f"{section.name}.{row.key}")
            lines.append(f"| `{row.key}` | `{row.default}` | {_cell(row.what)} | {named} |")
        lines.append("")
    lines += ["## Names of the guide that do nothing here\n", "| variable | why |", "|---|---|"]
    lines += [f"| `{variable}` | {_cell(why)} |" for variable, why in NOT_YET.items()]
    return "\n".join(lines) + "\n"


def _names(guide: Mapping[str, Sequence[str]], key: str) -> str:
    return ", ".join(f"`{variable}`" for variable in guide.get(key, []))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
