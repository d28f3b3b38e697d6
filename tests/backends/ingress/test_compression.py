"""When an answer is compressed."""

import gzip

import pytest

from backends.ingress.compression import chosen_coding, compressed, is_compressible
from tests.backends.ingress.ingress_fixtures import unpack_zstd

LONG = b"word " * 400


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("gzip", "gzip"),
        ("GZip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip;q=0.8", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.2", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("*", "zstd"),
        ("*;q=0.1, gzip", "gzip"),
        ("", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, *", "zstd"),
        ("zstd;q=nonsense, gzip;q=nan", None),
        ("gzip;q=inf", None),
        ("gzip;q=2", None),
        ("gzipped", None),
        (",;,=", None),
    ],
)
def test_the_coding_is_what_the_client_likes_best(accept: str, expected: str | None) -> None:
    assert chosen_coding(accept) == expected


def test_a_long_text_is_compressed_and_comes_back_the_same() -> None:
    for accept, decompress in (("gzip", gzip.decompress), ("gzip, zstd", unpack_zstd)):
        found = compressed(LONG, "text/html; charset=utf-8", accept)
        assert found is not None
        assert len(found[1]) < len(LONG) / 5
        assert decompress(found[1]) == LONG


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
