import logging
from typing import Any

import attrs
import pytest

from backends.ingress.wyoming_announcement import announced

zeroconf = pytest.importorskip("zeroconf", reason="needs the extra: pip install 'sayso[zeroconf]'")


@attrs.define
class Announcer:
    """Takes what is announced."""

    error: Exception | None = None
    registered: list[Any] = attrs.field(factory=list)
    is_closed: bool = False

    def register_service(self, info: Any) -> None:
        if self.error is not None:
            raise self.error
        self.registered.append(info)

    def close(self) -> None:
        self.is_closed = True


async def test_the_port_is_announced_for_the_block() -> None:
    announcer = Announcer()
    async with announced("sayso at home", 10_300, ["192.0.2.1", "2001:db8::1"], lambda: announcer):
        [info] = announcer.registered
        assert (info.type, info.name) == ("_wyoming._tcp.local.", "sayso at home._wyoming._tcp.local.")
        assert (info.port, info.parsed_addresses()) == (10_300, ["192.0.2.1", "2001:db8::1"])
    assert announcer.is_closed


async def test_a_name_that_another_has_is_logged_and_the_port_served(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    announcer = Announcer(zeroconf.NonUniqueNameException())
    async with announced("sayso", 10_300, ["192.0.2.1"], lambda: announcer):
        assert "Home Assistant does not find this server by itself: NonUniqueNameException" in caplog.text
    assert announcer.is_closed


async def test_a_network_without_multicast_is_logged_and_the_port_served(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Announcer:
        raise OSError("no such device")

    async with announced("sayso", 10_300, ["192.0.2.1"], make):
        assert "does not find this server by itself: no such device" in caplog.text
