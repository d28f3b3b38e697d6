"""Problems of a configuration: each with its place, all in one exception."""

from collections.abc import Sequence

import attrs


@attrs.frozen
class Problem:
    """One problem."""

    where: str
    """A file and line, a variable's name, or a flag."""
    what: str
    """What was expected, and the value found unless it is a secret."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigError(Exception):
    """The configuration is invalid; ``problems`` has all the reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
