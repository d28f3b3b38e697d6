import attrs
import pytest

from protocol.admission.identity import FORWARDING_HEADERS, identity_of, may_see_words, operator_refusal
from protocol.messages.identity import Grant, Identity, RequestSource, Scope


@pytest.mark.parametrize(
    ("peer", "address", "tenant"),
    [
        ("192.0.2.1:5000", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6:5000", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_client_has_the_address_of_its_connection_and_the_tenant_of_its_network(
    peer: str, address: str, tenant: str
) -> None:
    found = identity_of(peer, {})
    assert found == Identity(peer, tenant, RequestSource.ELSEWHERE)
    assert found.address == address


def test_a_forwarding_header_changes_neither_address_nor_tenant() -> None:
    found = identity_of("192.0.2.1:5000", {"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"})
    assert found == Identity("192.0.2.1:5000", "192.0.2.1", RequestSource.ELSEWHERE)


@pytest.mark.parametrize("host", ["localhost:8000", "localhost", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
@pytest.mark.parametrize("peer", ["127.0.0.1:5000", "::1:5000"])
def test_a_program_on_this_machine_may_do_what_operators_may(peer: str, host: str) -> None:
    found = identity_of(peer, {"host": host})
    assert found.source is RequestSource.THIS_MACHINE
    assert operator_refusal(found, "a drain") is None


def test_without_a_host_the_connection_decides_alone() -> None:
    assert identity_of("127.0.0.1:5000", {}).source is RequestSource.THIS_MACHINE


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7:5000", {"host": "localhost"}),
        ("127.0.0.1:5000", {"host": "evil.example"}),
        ("127.0.0.1:5000", {"host": "192.0.2.1"}),
        ("127.0.0.1:5000", {"host": "127.0.0.1.evil.example"}),
        ("127.0.0.1:5000", {"host": ""}),
        ("127.0.0.1:5000", {"host": "[127.0.0.1]"}),
        ("::ffff:127.0.0.1:5000", {"host": "localhost"}),
    ],
)
def test_another_address_or_another_name_is_elsewhere(peer: str, headers: dict[str, str]) -> None:
    found = identity_of(peer, headers)
    assert found.source is RequestSource.ELSEWHERE
    assert operator_refusal(found, "a drain") == "a drain is taken from this machine only"


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_what_came_through_a_proxy_is_not_from_this_machine(name: str) -> None:
    found = identity_of("127.0.0.1:5000", {"host": "localhost", name: "203.0.113.9", "origin": "null"})
    assert operator_refusal(found, "a drain") == "a drain is taken from this machine only, and not through a proxy"


def test_a_web_page_may_not_do_what_operators_may() -> None:
    found = identity_of("::1:5000", {"host": "localhost", "origin": "http://localhost"})
    assert operator_refusal(found, "a drain") == "a drain is taken from programs, not from web pages"


def test_every_source_but_this_machine_is_refused() -> None:
    allowed = [source for source in RequestSource if operator_refusal(Identity("", "", source), "a drain") is None]
    assert allowed == [RequestSource.THIS_MACHINE]


def test_an_identity_is_of_elsewhere_unless_it_says_otherwise() -> None:
    assert Identity("127.0.0.1:5000", "127.0.0.1").source is RequestSource.ELSEWHERE


def test_who_comes_through_a_trusted_proxy_is_a_stranger_whatever_the_address() -> None:
    for peer in ("127.0.0.1:5000", "203.0.113.9:0"):
        found = identity_of(peer, {"host": "localhost"}, is_proxied=True)
        assert found.source is RequestSource.PROXY
        assert operator_refusal(found, "a drain") == "a drain is taken from this machine only, and not through a proxy"


def test_a_key_for_operating_is_taken_from_anywhere_and_no_other_key_is() -> None:
    for scope, refused in ((Scope.OPERATE, False), (Scope.TALK, True), (Scope.READ, True)):
        for peer in ("127.0.0.1:5000", "203.0.113.9:5000"):
            found = attrs.evolve(identity_of(peer, {}), grant=Grant("k", frozenset({scope})))
            assert (operator_refusal(found, "a drain") is not None) is refused


@pytest.mark.parametrize(
    ("scopes", "user", "may_see"),
    [({"read"}, "ada", True), ({"read"}, "ben", False), ({"operate"}, "ben", True), (None, "ada", True)],
)
def test_words_are_for_their_user_and_for_operators(scopes: set[str] | None, user: str, may_see: bool) -> None:
    grant = None if scopes is None else Grant("k", frozenset(map(Scope, scopes)))
    reader = attrs.evolve(identity_of("192.0.2.1:5000", {}), user="ada", grant=grant)
    assert may_see_words(reader, user) is may_see
