from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from config.conversion import CONVERTERS, Unfit, convert
from config.keys import KEYS
from config.settings.bounds import ServerUrl

SERVERS = Mapping[str, Mapping[str, Any]]
ADDRESSES = tuple[ServerUrl, ...]
PROGRAMS = Mapping[str, tuple[str, ...]]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (" 12 ", int, 12),
        ("1_000", int, 1_000),
        ("0.5", float, 0.5),
        ("3", float, 3.0),
        ("Yes", bool, True),
        ("off", bool, False),
        ("", str, ""),
        ("cpu", Literal["cpu", "cuda"], "cpu"),
        ("/tmp/x", Path, Path("/tmp/x")),
        ('{"editor": ["code"]}', PROGRAMS, {"editor": ("code",)}),
    ],
)
def test_text_is_parsed(text: str, kind: Any, expected: object) -> None:
    assert convert(text, kind, is_text=True) == expected


@pytest.mark.parametrize("value", ["http://a/v1, http://b/v1", ["http://a/v1", "http://b/v1"]])
@pytest.mark.parametrize("is_text", [False, True])
def test_addresses_are_a_list_or_stand_between_commas(value: object, is_text: bool) -> None:
    text = ", ".join(value) if is_text and isinstance(value, list) else value
    assert convert(text, ADDRESSES, is_text=is_text) == ("http://a/v1", "http://b/v1")
    assert convert("", ADDRESSES, is_text=is_text) == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (7, ADDRESSES),
        ([7], ADDRESSES),
        ("12", int),
        (12.0, int),
        (True, int),
        ("0.5", float),
        (True, float),
        (float("inf"), float),
        ("true", bool),
        (1, bool),
        (7, str),
        (7, Path),
        ("a\0b", str),
        ("a\0b", Path),
        (["a\0b"], tuple[str, ...]),
        ({"a": {"command": "x\0"}}, SERVERS),
        ({"a": {"command": "x", "args": ["y\0"]}}, SERVERS),
        ({"a": ["x\0"]}, PROGRAMS),
        ("gpu", Literal["cpu", "cuda"]),
        ([], SERVERS),
        ({"a": ["not", "a", "table"]}, SERVERS),
        ({"a": {}}, SERVERS),
        ({"a": {"command": "x", "url": "http://y"}}, SERVERS),
        ({"a": {"command": ["x", "y"]}}, SERVERS),
        ({"a": {"command": "x", "args": "y"}}, SERVERS),
        ({"a": {"url": "http://y", "headers": {"X": 1}}}, SERVERS),
        ({"a": []}, PROGRAMS),
        ({"a": "x"}, PROGRAMS),
    ],
)
def test_a_file_must_use_its_types(value: object, kind: Any) -> None:
    with pytest.raises(Unfit, match="expected"):
        convert(value, kind, is_text=False)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("twelve", int), ("1.5", int), ("nan", float), ("maybe", bool), ("{", SERVERS), ("[]", PROGRAMS)],
)
def test_text_that_does_not_fit_is_refused(text: str, kind: Any) -> None:
    with pytest.raises(Unfit, match="expected"):
        convert(text, kind, is_text=True)


def test_every_setting_has_a_converter() -> None:
    for key in KEYS.values():
        assert key.field.type in CONVERTERS or "Literal" in str(key.field.type), key.name
