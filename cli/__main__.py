"""``python -m cli`` is ``sayso``."""

from cli import main

main(prog_name="sayso")
