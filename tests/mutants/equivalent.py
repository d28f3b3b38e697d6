"""Mutants that are known to change nothing observable, with the reason.

Each is a file, the stripped line that the change begins in, and what stands there instead.
"""

from collections.abc import Mapping
from typing import Final

EQUIVALENT: Final[Mapping[tuple[str, str, str], str]] = {
    (
        "actors/turn/run.py",
        "self._deadline = trio.CancelScope()",
        "pass",
    ): "run() sets it before anybody can be asked to confirm; here it only has its type",
    (
        "actors/turn/turn_context.py",
        "super().__init__(say)",
        "pass",
    ): "BaseException.__new__ keeps the arguments by itself",
    (
        "protocol/audio/transcripts.py",
        (
            "_comes_in_a_row(words, size, times) for least, times in CHANTS "
            "for size in range(least, len(words) // times + 1)"
        ),
        "(len(words) * times)",
    ): "a pattern that is longer cannot come so often",
}
