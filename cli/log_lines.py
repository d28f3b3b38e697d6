"""Lines of a JSON log: which ones are wanted, and how a person reads them; pure.

Rules kept here:

* What a log says is untrusted: a name in it may hold what a terminal would obey, so that is shown as escapes.
* A line that is no JSON object is skipped and counted, since a server's traceback or another program's line may stand
  between them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args

import attrs

from config.settings.log import LogLevel

LEVELS: Final = (*get_args(LogLevel), "critical")
FIRST: Final = ("timestamp", "level", "logger", "event")
"""What stands before all other fields, or is shown in another place."""
Line = Mapping[str, Any]


@attrs.frozen
class LineFilter:
    """Which lines are wanted; ``None`` for any."""

    turn: str | None = None
    session: str | None = None
    level: str = "debug"

    def includes(self, line: Line) -> bool:
        """Return whether a line is one of them; one without a level counts as the highest."""
        level = line.get("level")
        return (
            (self.turn is None or line.get("turn_id") == self.turn)
            and (self.session is None or line.get("session_id") == self.session)
            and (level not in LEVELS or LEVELS.index(level) >= LEVELS.index(self.level))
        )


@attrs.define
class Found:
    """How many lines were read, and what they were."""

    lines: int = 0
    """That are JSON objects."""
    others: int = 0
    shown: int = 0

    def nothing(self) -> str:
        """Return why nothing was shown, and what helps."""
        if not self.lines:
            return f"none of {self.others} lines is a JSON object: let the server write them with log.json = true"
        return f"none of {self.lines} lines is one of those; a server writes them from log.level on, which is info"


def searched(lines: Iterable[str], wanted: LineFilter, found: Found, *, is_json: bool) -> Iterator[str]:
    """Yield the wanted lines as text, as they come, and count them in ``found``."""
    for text in lines:
        line = read(text)
        if line is None:
            found.others += 1
            continue
        found.lines += 1
        if wanted.includes(line):
            found.shown += 1
            yield printable(text.strip()) if is_json else shown(line)


def read(text: str) -> Line | None:
    """Return a line as an object; ``None`` where it is none."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def shown(line: Line) -> str:
    """Return a line as a person reads it: time, level, what happened, and the other fields.

    >>> shown({"timestamp": "2026-11-28T08:00:00Z", "level": "info", "event": "turn done", "turn_id": "t1"})
    '2026-11-28T08:00:00Z info     turn done  turn_id=t1'
    """
    others = (f"{name}={value}" for name, value in line.items() if name not in {*FIRST, "exception"})
    logger = f"[{line['logger']}]" if "logger" in line else ""
    moment, level = str(line.get("timestamp", "-")), str(line.get("level", "-"))
    text = " ".join(filter(None, (f"{moment} {level:<8} {line.get('event', '')} ", *others, logger)))
    trace = str(line.get("exception", "")).splitlines()
    return "\n".join(map(printable, [text, *(f"    {one}" for one in trace)]))


def printable(text: str) -> str:
    """Return a text in which control characters are escapes."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
