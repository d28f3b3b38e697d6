"""``sayso schema``: JSON Schema of the native protocol, for programs that generate types from it."""

import json

import click

from protocol.dialects.native_schema import native_schema


@click.command()
def schema() -> None:
    """Print JSON Schema of all frames of the native protocol."""
    click.echo(json.dumps(native_schema(), indent=2, ensure_ascii=False))
