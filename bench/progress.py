"""Progress bars on the standard error; where that is no terminal there are none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a bar for the block; yields a function that moves it on by so much."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task(title, total=total)
        yield lambda amount: bars.advance(task, amount)
