"""``sayso bench``: the benchmarks of a checkout, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import click

FOLDER = Path(__file__).resolve().parent.parent / "bench"


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run a benchmark: PROGRAM [PART] with its own flags (such as --help); without any, list them."""
    if not (FOLDER / "__main__.py").is_file():
        raise click.ClickException(f"the benchmarks are in a checkout only, and there is no {FOLDER}")
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "bench", *arguments]  # -P: no module out of the current folder
    sys.exit(subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode)
