"""How long a client may keep an answer."""

import attrs
import pytest

from backends.ingress.answer_cache import RULES, CacheRule, etag_of, has_etag
from backends.ingress.http_app import make_app
from tests.backends.ingress.test_http_app import ACCESS, AUDIO, SERVICES


@pytest.mark.parametrize(
    ("rule", "lasts_s", "expected"),
    [
        (CacheRule(is_shared=True), 300.0, {"Cache-Control": "public, max-age=300"}),
        (CacheRule(), 300.0, {"Cache-Control": "private, max-age=300", "Vary": "Authorization, Cookie"}),
        (CacheRule(), 0.5, {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}),
        (
            CacheRule(is_asked_again=True),
            300.0,
            {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"},
        ),
    ],
)
def test_a_rule_says_who_may_keep_an_answer_and_how_long(
    rule: CacheRule, lasts_s: float, expected: dict[str, str]
) -> None:
    assert dict(rule.headers(lasts_s)) == expected


def test_each_rule_is_of_a_route_that_is_read() -> None:
    app = make_app(attrs.evolve(SERVICES, access=ACCESS), AUDIO)
    read = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert set(RULES) <= read


def test_what_says_how_the_server_is_or_what_people_said_is_not_kept() -> None:
    assert not {"/api/conversations", "/api/audit", "/api/status/stream"} & set(RULES)


def test_a_tag_is_of_the_contents() -> None:
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").startswith('W/"')


@pytest.mark.parametrize(
    ("header", "is_named"),
    [
        ('W/"a"', True),
        ('"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ("", False),
        ('"b"', False),
        ("a", False),
    ],
)
def test_an_etag_is_compared_weakly(header: str, is_named: bool) -> None:
    assert has_etag(header, 'W/"a"') is is_named
