"""Reads the JSON of a request's body."""

from typing import TypeVar

import msgspec

from backends.json_faults import JSON_FAULTS

Body = TypeVar("Body")


class BadBody(ValueError):
    """A body is no JSON of the wanted form; the message says where."""


def read_json(data: str | bytes, kind: type[Body]) -> Body:
    """Return a body as ``kind``; raises ``BadBody``."""
    try:
        return msgspec.json.decode(data, type=kind)
    except JSON_FAULTS as error:
        raise BadBody(str(error)) from error
