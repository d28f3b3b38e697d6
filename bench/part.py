"""What every benchmark is made of: its flags, what it measures, and the one loop that runs it and writes its report."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from bench.report import heading, write

Report = Mapping[str, Any]


@attrs.frozen
class Flag:
    """A flag; its type is that of its default, and a default of ``False`` makes a switch."""

    name: str
    default: Any = None
    help: str | None = None
    kind: Callable[[str], Any] | None = None
    """Makes the value of the text; raises ``ArgumentTypeError`` where it cannot be used."""
    more: Mapping[str, Any] = attrs.field(factory=dict)
    """Further arguments of ``add_argument``."""

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add it to a parser."""
        if self.default is False:
            parser.add_argument(self.name, action="store_true", help=self.help)
            return
        kind = self.kind or (str if self.default is None else type(self.default))
        parser.add_argument(self.name, type=kind, default=self.default, help=self.help, **self.more)


Measure = Callable[[argparse.Namespace], Iterator[Report]]
"""Measures and prints; yields the report whenever there is more of it, and nothing where none is to be written.

The targets that were missed stand under ``missed``. ``name`` overrides the name of the report's file.
"""


@attrs.frozen
class Part:
    """One benchmark."""

    name: str
    """Of its report, bench/results/NAME.json."""
    measure: Measure
    flags: Sequence[Flag]
    packages: Sequence[str] = ()
    """Whose versions the report names."""

    def parser(self, program: str, **more: Any) -> argparse.ArgumentParser:
        """Return a parser of its flags; ``more`` are arguments of ``ArgumentParser``."""
        parser = argparse.ArgumentParser(program, formatter_class=argparse.RawDescriptionHelpFormatter, **more)
        for flag in (*self.flags, Flag("--dry", False, "write no file")):
            flag.add_to(parser)
        return parser

    def run(self, options: argparse.Namespace) -> None:
        """Measure, write the report after each step; exit with 1 where a target was missed or no report was kept."""
        begin, missed, is_kept = heading(options, *self.packages), False, True
        for found in self.measure(options):
            missed = bool(found.get("missed"))
            if not options.dry:
                is_kept = write(str(found.get("name", self.name)), {**begin, **found})
        sys.exit(missed or not is_kept)


# --- kinds of flags ------------------------------------------------------------------------------


def at_least_one(text: str) -> int:
    """Return a number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be >= 1, not {text}")
    return int(text)


def wav_folder(text: str) -> Path:
    """Return a folder with WAV files."""
    if not any(Path(text).glob("*.wav")):
        raise argparse.ArgumentTypeError(f"must be a folder with .wav files, not {text}")
    return Path(text)


def some_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the kind of a flag that takes some names, separated by commas."""

    def kind(text: str) -> list[str]:
        if unknown := set(text.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"expected some of {', '.join(names)}, not {', '.join(sorted(unknown))}")
        return text.split(",")

    return kind
