"""``sayso bench``: the benchmarks of a checkout, each a program of its own."""

import os
import subprocess
import sys
from pathlib import Path

import click

FOLDER = Path(__file__).resolve().parent.parent / "bench"


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str | None, arguments: tuple[str, ...]) -> None:
    """Run the benchmark NAME with its own ARGUMENTS (such as --help); without a name, list them."""
    names = sorted(file.stem for file in FOLDER.glob("[!_]*.py"))  # the others are parts of several
    if not names:
        raise click.ClickException(f"the benchmarks are in a checkout only, and there is no {FOLDER}")
    if name is None or name in {"-h", "--help"}:
        click.echo("benchmarks: " + ", ".join(names))
        return
    if name not in names:
        raise click.BadParameter(f"expected one of {', '.join(names)}, not {name!r}", param_hint="NAME")
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", f"bench.{name}", *arguments]  # -P: no module out of the current folder
    sys.exit(subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode)
