"""What is wrong with a configuration: every problem with its place, all in one exception."""

from collections.abc import Sequence

import attrs


@attrs.frozen
class Problem:
    """One thing to mend."""

    where: str
    """A file and line, a variable's name, or a flag."""
    what: str
    """What was expected, and the value that came unless it is a secret."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
