"""``sayso bench``: the benchmarks of a checkout, each a separate program."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

FOLDER = Path(__file__).resolve().parent.parent / "bench"


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str | None, arguments: tuple[str, ...]) -> None:
    """Run the benchmark NAME with its own ARGUMENTS (such as --help); without a name, list them."""
    programs = {file.stem: file for file in sorted(FOLDER.glob("[!_]*.py"))}  # the others are parts of several
    if not programs:
        raise click.ClickException(f"the benchmarks are in a checkout only, and there is no {FOLDER}")
    if name is None or name in {"-h", "--help"}:
        click.echo(usage(programs))
        return
    if name not in programs:
        raise click.BadParameter(f"expected one of {', '.join(programs)}, not {name!r}", param_hint="NAME")
    path = os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", f"bench.{name}", *arguments]  # -P: no module out of the current folder
    sys.exit(subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode)


def usage(programs: Mapping[str, Path]) -> str:
    """Return how to run a benchmark, and the benchmarks with the first line of what each says of itself."""
    widest = max(map(len, programs))
    lines = (f"  {name.ljust(widest)}  {summary(path)}".rstrip() for name, path in programs.items())
    return "\n".join(["Usage: sayso bench NAME [ARGUMENTS]...  (NAME --help tells its arguments)", "", *lines])


def summary(path: Path) -> str:
    """Return the first line of a program's docstring, read without running it."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return "" if docstring is None else docstring.partition("\n")[0]
