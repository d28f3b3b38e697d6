"""Which requests of web pages are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.origin import (
    Authority,
    SitePolicy,
    authority_of,
    cors_headers,
    is_preflight,
    is_same_origin,
    normal_origin,
    own_names,
    site_refusal,
)

CLOSED = SitePolicy.of((), (), ())
OPEN = SitePolicy.of(
    {"kitchen", "kitchen.local"},
    ("voice.example.org", "*.Example.net", "port.example.org:8443", "tls.example.org:443"),
    ("https://app.example.org", "https://default.example.org:443", "null", "capacitor://localhost"),
)
ANY = SitePolicy.of((), ("*",), ("*",))
HOST = {"host": "127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Voice.Example.org.:80", Authority("voice.example.org", 80)),
        ("127.0.0.1", Authority("127.0.0.1", None)),
        ("[::0001]:8000", Authority("::1", 8000)),
        ("a_b-c:", Authority("a_b-c", None)),
        ("", None),
        (":80", None),
        ("::1", None),
        ("[127.0.0.1]", None),
        ("[::1", None),
        ("user@host", None),
        ("a b", None),
        ("a, b", None),
        ("<script>", None),
        ("host:65536", None),
        ("host:-1", None),
    ],
)
def test_a_host_is_a_name_or_an_address_with_an_optional_port(text: str, expected: Authority | None) -> None:
    assert authority_of(text) == expected


@pytest.mark.parametrize(
    ("bound", "machine", "expected"),
    [
        ("127.0.0.1", "kitchen", set()),
        ("::1", "kitchen", set()),
        ("localhost", "kitchen", {"localhost"}),
        ("0.0.0.0", "Kitchen", {"kitchen", "kitchen.local"}),
        ("::", "kitchen.example.org", {"kitchen", "kitchen.local", "kitchen.example.org"}),
        ("voice.example.org", "kitchen", {"voice.example.org", "kitchen", "kitchen.local"}),
        ("0.0.0.0", "localhost.localdomain", set()),
        ("0.0.0.0", "", set()),
    ],
)
def test_the_computers_name_is_ours_unless_only_this_computer_can_reach_us(
    bound: str, machine: str, expected: set[str]
) -> None:
    assert own_names(bound, machine) == expected


# --- Host ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "localhost:8000", "LOCALHOST"])
def test_addresses_and_localhost_are_always_names_of_this_server(host: str) -> None:
    assert site_refusal("GET", {"host": host}, CLOSED) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "0x7f000001", "kitchen"]
)
def test_any_other_name_is_421_with_what_is_expected(host: str) -> None:
    refused = site_refusal("GET", {"host": host}, CLOSED)
    assert refused is not None
    assert (refused.reason, refused.status) == ("host", 421)
    assert repr(host) in refused.message
    assert "localhost" in refused.message
    assert "gateway.allowed_hosts" in refused.message


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("kitchen:8000", True),
        ("kitchen.local", True),
        ("voice.example.org", True),
        ("VOICE.example.org:1234", True),
        ("a.example.net", True),
        ("a.b.example.net:1", True),
        ("example.net", False),
        ("evil-example.net", False),
        ("a.example.net.evil.example", False),
        ("port.example.org:8443", True),
        ("port.example.org:8000", False),
        ("port.example.org", False),
        ("tls.example.org", True),
        ("tls.example.org:8443", False),
    ],
)
def test_listed_names_are_ours(host: str, is_ours: bool) -> None:
    assert (site_refusal("GET", {"host": host}, OPEN) is None) is is_ours


@pytest.mark.parametrize("host", ["", "a b", "[::1", "a, a", "<script>"])
def test_a_host_that_is_none_is_400(host: str) -> None:
    refused = site_refusal("GET", {"host": host}, ANY)
    assert refused is not None
    assert (refused.reason, refused.status) == ("host", 400)


def test_a_probe_in_http_1_0_needs_no_host_and_a_page_without_one_is_foreign() -> None:
    assert site_refusal("GET", {}, CLOSED) is None
    assert site_refusal("GET", {"origin": "http://localhost"}, CLOSED) is not None


# --- Origin --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://localhost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("http://localhost:80", "localhost"),
        ("https://voice.example.org", "voice.example.org"),  # a proxy ends TLS, and passes Host
        ("https://voice.example.org", "voice.example.org:443"),
        ("https://voice.example.org:8443", "Voice.example.org:8443"),
        ("http://[::1]:8000", "[0::1]:8000"),
    ],
)
def test_a_page_of_this_server_may_use_it(origin: str, host: str) -> None:
    assert site_refusal("GET", {"host": host, "origin": origin}, OPEN) is None
    assert site_refusal("POST", {"host": host, "origin": origin, "sec-fetch-site": "same-origin"}, OPEN) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:3000",
        "http://localhost:8000",
        "https://127.0.0.1",
        "http://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000/",
        "http://evil.example@127.0.0.1:8000",
        "http://127.0.0.1:8000, http://127.0.0.1:8000",
        "ftp://127.0.0.1:8000",
        "127.0.0.1:8000",
        "null",
        "",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
def test_every_other_page_is_403_with_the_setting_whatever_it_does(origin: str, method: str) -> None:
    refused = site_refusal(method, {**HOST, "origin": origin}, CLOSED)
    assert refused is not None
    assert (refused.reason, refused.status) == ("origin", 403)
    assert repr(origin) in refused.message
    assert "gateway.allowed_origins" in refused.message


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://app.example.org", True),
        ("https://APP.example.org:443", True),
        ("https://default.example.org", True),
        ("null", True),
        ("capacitor://localhost", True),
        ("http://app.example.org", False),
        ("https://app.example.org:8443", False),
        ("https://app.example.org.evil.example", False),
    ],
)
def test_listed_origins_are_compared_as_a_whole(origin: str, is_allowed: bool) -> None:
    headers = {**HOST, "origin": origin, "sec-fetch-site": "cross-site"}
    assert (site_refusal("POST", headers, OPEN) is None) is is_allowed


def test_a_star_lets_every_page_in() -> None:
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert site_refusal("GET", {"host": "evil.example", **headers}, ANY) is None


def test_a_long_value_is_cut_in_the_answer() -> None:
    refused = site_refusal("GET", {**HOST, "origin": "https://" + "x" * 10_000}, CLOSED)
    assert refused is not None
    assert len(refused.message) < 300


@given(st.text())
def test_no_header_is_too_strange(text: str) -> None:
    site_refusal("GET", {"host": text, "origin": text, "sec-fetch-site": text}, OPEN)
    assert site_refusal("GET", {**HOST, "origin": text}, CLOSED) is None or not is_same_origin(
        text, Authority("127.0.0.1", 8000)
    )
    assert normal_origin(normal_origin(text)) == normal_origin(text) or ":" in text


# --- without an Origin ---------------------------------------------------------------------------

LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "new-word"])
def test_another_page_may_link_here_but_not_load_from_here(site: str) -> None:
    headers = {**HOST, "sec-fetch-site": site}
    assert site_refusal("GET", {**headers, **LINK}, CLOSED) is None
    for other in (
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {},
    ):
        refused = site_refusal("GET", {**headers, **other}, CLOSED)
        assert refused is not None
        assert (refused.reason, refused.status) == ("cross_site", 403)
    assert site_refusal("POST", {**headers, **LINK}, CLOSED) is not None


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_typed_address_and_our_own_pages_load_what_they_like(site: str) -> None:
    assert site_refusal("GET", {**HOST, "sec-fetch-site": site, "sec-fetch-mode": "no-cors"}, CLOSED) is None


# --- CORS ----------------------------------------------------------------------------------------


def test_only_a_listed_page_may_read_the_answers() -> None:
    headers = dict(cors_headers({"origin": "https://app.example.org"}, OPEN))
    assert headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert headers["Vary"] == "Origin"
    assert cors_headers({"origin": "http://127.0.0.1:8000"}, OPEN) == ()
    assert cors_headers({}, ANY) == ()
    assert (
        dict(cors_headers({"origin": "https://x.example"}, ANY))["Access-Control-Allow-Origin"] == "https://x.example"
    )


def test_a_preflight_is_options_with_an_origin_and_a_requested_method() -> None:
    wish = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
    assert is_preflight("OPTIONS", wish)
    assert not is_preflight("GET", wish)
    assert not is_preflight("OPTIONS", {"origin": "https://app.example.org"})
    assert not is_preflight("OPTIONS", {"access-control-request-method": "POST"})
