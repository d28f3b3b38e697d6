import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.forwarding import (
    HEAD,
    SIGNATURE,
    BadProxyHeader,
    caller_of,
    caller_through,
    is_trusted,
    networks_of,
    proxied_peer,
    proxy_head,
)

PROXIES = networks_of(["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"])
PROXY, CALLER = "10.1.2.3", "203.0.113.9"


def listed(value: str) -> dict[str, str]:
    return {"x-forwarded-for": value}


@pytest.mark.parametrize(
    ("headers", "caller"),
    [
        (listed(CALLER), CALLER),
        (listed(f"{CALLER}:4711"), CALLER),
        (listed("[2001:db8:9::1]:4711"), "2001:db8:9::1"),
        (listed("2001:db8:9::1"), "2001:db8:9::1"),
        (listed(f"::ffff:{CALLER}"), CALLER),
        (listed(f"127.0.0.1, 192.0.2.66, {CALLER}"), CALLER),
        (listed(f"192.0.2.66, {CALLER}, 10.9.9.9"), CALLER),
        ({"forwarded": f"for={CALLER};proto=https;by=10.1.2.3"}, CALLER),
        ({"forwarded": f'for=192.0.2.66, For="{CALLER}:80"'}, CALLER),
        ({"forwarded": 'proto=https; for="[2001:db8:9::1]"'}, "2001:db8:9::1"),
    ],
)
def test_the_caller_is_the_last_one_that_is_no_trusted_proxy(headers: dict[str, str], caller: str) -> None:
    assert caller_of(PROXY, headers, PROXIES) == caller


@pytest.mark.parametrize("host", [CALLER, "192.0.2.1", "::1", "not an address", ""])
def test_from_others_no_header_is_believed(host: str) -> None:
    assert caller_of(host, listed("127.0.0.1"), PROXIES) == host
    assert caller_of(host, {"forwarded": "for=127.0.0.1"}, PROXIES) == host
    assert not is_trusted(host, PROXIES)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        listed(""),
        listed("unknown"),
        listed("203.0.113.9.1"),
        listed("' OR 1=1 --"),
        listed("../../etc/passwd"),
        listed(f"{CALLER}, _hidden"),
        {"forwarded": "proto=https"},
        {"forwarded": "for=_hidden"},
        {"forwarded": 'for="'},
        listed(CALLER) | {"forwarded": f"for={CALLER}"},
    ],
)
def test_what_cannot_be_read_or_contradicts_leaves_the_request_to_the_proxy(headers: dict[str, str]) -> None:
    assert caller_of(PROXY, headers, PROXIES) == PROXY


def test_a_chain_of_trusted_proxies_alone_ends_with_the_first() -> None:
    assert caller_of(PROXY, listed("10.0.0.7, 10.0.0.8"), PROXIES) == "10.0.0.7"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_header_yields_an_address_and_no_error(one: str, other: str) -> None:
    for headers in (listed(one), {"forwarded": other}, listed(one) | {"forwarded": other}):
        ipaddress.ip_address(caller_of(PROXY, headers, PROXIES))


def test_only_a_proxys_connection_has_another_sender() -> None:
    assert caller_through(f"{PROXY}:5", listed(CALLER), PROXIES) == f"{CALLER}:0"
    assert caller_through(f"{PROXY}:5", {}, PROXIES) == f"{PROXY}:5", "the proxy's own request"
    assert caller_through(f"{CALLER}:5", listed("127.0.0.1"), PROXIES) is None
    assert caller_through("127.0.0.1:5", listed(CALLER), ()) is None


def test_networks_are_trusted_by_their_addresses() -> None:
    for host in ("10.0.0.1", "127.0.0.1", "2001:db8:1::7", "::ffff:10.0.0.1"):
        assert is_trusted(host, PROXIES)
    assert not is_trusted("127.0.0.2", PROXIES)
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks_of(["10.0.0.1/8"])


# --- the PROXY protocol --------------------------------------------------------------------------


def header(command: int = 0x21, family: int = 0x11, length: int = 12, signature: bytes = SIGNATURE) -> bytes:
    return HEAD.pack(signature, command, family, length)


def addresses(source: str, port: int = 4711) -> bytes:
    packed = ipaddress.ip_address(source).packed
    return packed + bytes(len(packed)) + struct.pack("!HH", port, 443)


def test_the_callers_address_and_port_are_in_the_header() -> None:
    head = proxy_head(header())
    assert head.length == 12
    assert proxied_peer(head, addresses(CALLER), "p:1") == f"{CALLER}:4711"
    assert (
        proxied_peer(proxy_head(header(family=0x21, length=36)), addresses("2001:db8::9"), "p:1") == "2001:db8::9:4711"
    )
    assert proxied_peer(head, addresses(CALLER) + b"\x04\x00\x02..", "p:1") == f"{CALLER}:4711", "more is not read"


def test_a_proxy_that_asks_for_itself_keeps_its_address() -> None:
    assert proxied_peer(proxy_head(header(command=0x20, family=0, length=0)), b"", "10.1.2.3:5") == "10.1.2.3:5"


@pytest.mark.parametrize(
    "data",
    [
        header(signature=b"GET / HTTP/1"),
        header(command=0x11),
        header(command=0x22),
        header(length=4_097),
        bytes(16),
    ],
)
def test_another_beginning_is_refused(data: bytes) -> None:
    with pytest.raises(BadProxyHeader):
        proxy_head(data)


@pytest.mark.parametrize(
    ("family", "data"), [(0x11, bytes(11)), (0x21, bytes(35)), (0x00, bytes(36)), (0x31, bytes(216))]
)
def test_addresses_that_are_too_short_or_of_no_tcp_connection_are_refused(family: int, data: bytes) -> None:
    with pytest.raises(BadProxyHeader):
        proxied_peer(proxy_head(header(family=family, length=len(data))), data, "p:1")
