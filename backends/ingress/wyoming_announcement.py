"""Announces the Wyoming port by Zeroconf (mDNS, DNS-SD), so that Home Assistant finds it; the optional extra.

The library has a thread and an event loop of its own; starting and ending it takes a second each, in a thread of ours.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

log = logging.getLogger("sayso.wyoming")

MODULE: Final = "zeroconf"
INSTALL_COMMAND: Final = "pip install 'sayso[zeroconf]'"
SERVICE: Final = "_wyoming._tcp.local."
END_WITHIN_S: Final = 3.0


@asynccontextmanager
async def announced(
    name: str, port: int, addresses: Sequence[str], make_announcer: Callable[[], Any] | None = None
) -> AsyncIterator[None]:
    """Announce the port under ``name`` for the block; where the network refuses that, log it and go on."""
    from zeroconf import Error, ServiceInfo, Zeroconf  # noqa: PLC0415 - the optional extra

    info = ServiceInfo(SERVICE, f"{name}.{SERVICE}", port=port, parsed_addresses=list(addresses))
    try:
        announcer = await trio.to_thread.run_sync(make_announcer or Zeroconf)
    except OSError as error:
        log.warning("Home Assistant does not find this server by itself: %s", error)
        yield
        return
    try:
        try:
            await trio.to_thread.run_sync(announcer.register_service, info)
            log.info("announced as %s on port %d", name, port)
        except (Error, OSError) as error:
            log.warning("Home Assistant does not find this server by itself: %s %s", type(error).__name__, error)
        yield
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(END_WITHIN_S):
            await trio.to_thread.run_sync(announcer.close, abandon_on_cancel=True)
