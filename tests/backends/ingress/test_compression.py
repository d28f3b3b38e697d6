"""When an answer is compressed."""

import gzip

import pytest

from backends.ingress.compression import accepts_gzip, compressed, is_compressible

LONG = b"word " * 400


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("gzip", True),
        ("GZip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.5", True),
        ("*", True),
        ("*;q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip;q=nonsense", False),
        ("gzipped", False),
        (",;,=", False),
    ],
)
def test_gzip_is_used_when_the_client_asks_for_it(accept: str, expected: bool) -> None:
    assert accepts_gzip(accept) is expected


def test_a_long_text_is_compressed_and_comes_back_the_same() -> None:
    smaller = compressed(LONG, "text/html; charset=utf-8", "gzip")
    assert smaller is not None
    assert len(smaller) < len(LONG) / 5
    assert gzip.decompress(smaller) == LONG


@pytest.mark.parametrize(
    ("body", "content_type", "accept"),
    [
        (LONG[:1_000], "application/json", "gzip"),
        (LONG, "audio/wav", "gzip"),
        (LONG, "application/json", "br"),
    ],
)
def test_what_is_short_or_dense_or_not_asked_for_stays_as_it_is(body: bytes, content_type: str, accept: str) -> None:
    assert compressed(body, content_type, accept) is None


def test_an_answer_varies_by_encoding_whether_or_not_this_client_asked() -> None:
    assert is_compressible("application/json", LONG)
    assert not is_compressible("application/json", b"{}")
