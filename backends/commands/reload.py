"""A grammar that is read again when its files change.

Rules kept here:

* Compiling takes a part of a second, so ``check`` runs in a thread; ``match`` uses the compiled grammar meanwhile.
* A file with a mistake changes nothing: the former sentences stay, and the mistake is logged once.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from backends.commands.files import CommandFileError
from backends.protocols import CommandGrammar
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.understanding import CommandMatch, CommandSamples

MAX_TOLD: Final = 3  # problems of one reading: a log line that can be read
Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of change (ns) and size (bytes) of every file: what is compared."""


@attrs.frozen
class ReloadedCommandFiles:
    """What came of a change of the files."""

    problem: str | None
    """What is wrong with them, file and line first; ``None`` if they are in force."""
    files: int


class ReloadingGrammar:
    """The newest good grammar of the files in ``folders`` (``CommandGrammar``).

    ``compile_all`` reads all files and raises ``CommandFileError``; the first time that error is the caller's.
    """

    def __init__(self, compile_all: Callable[[], CommandGrammar], folders: Sequence[Path]) -> None:
        self._compile_all = compile_all
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._stamp = stamp_of(self._folders)
        self._current = compile_all()

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that the first matching hypothesis stands for."""
        return self._current.match(hypotheses, language)

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the call that ``text`` stands for, word for word."""
        return self._current.match_exactly(text, language)

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence."""
        return self._current.begins(text, language)

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return ``asked`` with what answers its question; ``None`` too if its command is in no file any more."""
        return self._current.answer(asked, hypotheses, language)

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        """Return the words and phrases worth expecting, most telling first; those of an answer to ``asked`` first."""
        return self._current.vocabulary(language, asked)

    def samples(self) -> Sequence[CommandSamples]:
        """Return what can be said in every language, the user's own sentences first."""
        return self._current.samples()

    def automaton(self, language: str) -> SentenceAutomaton | None:
        """Return the sentences without free words, to be looked for in sound."""
        return self._current.automaton(language)

    def own_sentences(self) -> Sequence[OwnSentence]:
        """Return examples of the user's own English commands; the same object until the files change."""
        return self._current.own_sentences()

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that a meaning stands for, with what the first hypothesis says of its slots."""
        return self._current.meant(meaning, hypotheses, language)

    def check(self) -> ReloadedCommandFiles | None:
        """Look at the files and take them in if they have changed; ``None`` if they have not. Blocks: use a thread."""
        with self._lock:
            try:
                stamp = stamp_of(self._folders)
            except OSError:  # such as no file descriptor left: the next look will tell
                return None
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            try:
                self._current = self._compile_all()
            except CommandFileError as error:
                return ReloadedCommandFiles(_in_one_line(error.problems), len(stamp))
            return ReloadedCommandFiles(None, len(stamp))


def _in_one_line(problems: Sequence[str]) -> str:
    more = len(problems) - MAX_TOLD
    return "; ".join((*problems[:MAX_TOLD], *([f"and {more} more"] if more > 0 else [])))


def stamp_of(folders: Sequence[Path]) -> Stamp:
    """Return what the command files look like from outside; one that vanishes meanwhile is not there."""
    found = []
    for path in sorted(path for folder in folders for path in folder.glob("*.y*ml")):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)
