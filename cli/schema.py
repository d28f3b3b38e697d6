"""``sayso schema``: the native protocol as a document, for programs that generate types or pages from it."""

import json

import click

from cli import version
from protocol.dialects.asyncapi import asyncapi_document
from protocol.dialects.native_schema import native_schema


@click.command()
@click.option(
    "--asyncapi", is_flag=True, help="An AsyncAPI 3 document instead, which has the channel and the directions."
)
def schema(*, asyncapi: bool) -> None:
    """Print JSON Schema of all frames of the native protocol."""
    document = asyncapi_document(version()) if asyncapi else native_schema()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
