"""Reads the JSON of a request's body."""

from typing import TypeVar

import msgspec

Body = TypeVar("Body")


class BadBody(ValueError):
    """A body is no JSON of the wanted form; the message says where."""


def read_json(data: str | bytes, kind: type[Body]) -> Body:
    """Return a body as ``kind``; raises ``BadBody``.

    msgspec has an error of its own for most mistakes, but not for texts that are no UTF-8, nor for too many brackets.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(str(error)) from error
