from typing import Any

import msgspec
import pytest

from backends.json_faults import JSON_FAULTS
from tests.unreadable_json import DEEP_JSON, UNREADABLE_JSON


class _WithText(msgspec.Struct):
    a: str


class _WithNone(msgspec.Struct):
    pass


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        *((dict[str, Any], data) for data in UNREADABLE_JSON),
        *((_WithText, data) for data in UNREADABLE_JSON),
        (_WithNone, DEEP_JSON),
        (_WithText, '{"a": "\ud800"}'),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, str | bytes) else None,
)
def test_every_json_that_cannot_be_read_raises_one_of_the_faults(kind: Any, data: str | bytes) -> None:
    with pytest.raises(JSON_FAULTS):
        msgspec.json.decode(data, type=kind)
