import msgspec
import pytest

from backends.ingress.json_body import BadBody, read_json


class Named(msgspec.Struct):
    name: str


def test_a_good_body_is_read() -> None:
    assert read_json(b'{"name": "base"}', Named).name == "base"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"name": 7}', b'{"name": "\xff"}', b"\xff", b'{"name": "a", "other": ' + b"[" * 100_000, "{"],
    ids=lambda data: repr(data[:20]),
)
def test_every_bad_body_is_one_kind_of_error(data: str | bytes) -> None:
    with pytest.raises(BadBody):
        read_json(data, Named)
