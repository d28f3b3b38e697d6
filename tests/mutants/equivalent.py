"""Mutants that are known to change nothing that anybody could notice, with the reason.

Each is a file, the stripped line that the change begins in, and what stands there instead.
"""

from collections.abc import Mapping
from typing import Final

EQUIVALENT: Final[Mapping[tuple[str, str, str], str]] = {}
