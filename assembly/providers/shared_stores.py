"""The store that replicas share: none, or a Redis."""

import socket
from collections.abc import Callable, Iterator
from typing import Final

import trio

from assembly.providers.provider import Extra, Finding
from backends.protocols import SharedUnavailable
from backends.shared.guarded import GuardedShared
from config.settings import Settings
from protocol.messages.records import Count, Observe

NAME: Final = "shared store"
EXTRA: Final = Extra("redis", "coredis")
INSTALL: Final = "pip install 'sayso[redis]'"
CHECK_S: Final = 5.0


class MissingExtra(Exception):
    """The settings want a part of the package that is not installed."""


def shared_store(settings: Settings, report: Callable[[Count | Observe], None]) -> GuardedShared | None:
    """Return the store of ``shared.url``, ``None`` if there is none; raises ``MissingExtra``."""
    section = settings.shared
    if not section.url:
        return None
    if not EXTRA.is_installed:
        raise MissingExtra(f"shared.url needs a library that is not installed: {INSTALL}")
    from backends.shared.redis import RedisShared  # noqa: PLC0415 - the optional extra

    store = RedisShared(section.url, replica=replica_name(settings), prefix=section.prefix)
    return GuardedShared(store, section.timeout_ms / 1_000, report)


def replica_name(settings: Settings) -> str:
    """Return this replica's name: the computer's and the port, unless the settings have one."""
    return settings.shared.replica or f"{socket.gethostname()}-{settings.gateway.port}"


def findings(settings: Settings) -> Iterator[Finding]:
    """Check that the store can be had, and that it keeps what it is given."""
    if not settings.shared.url:
        yield Finding(NAME, "ok", "not used (shared.url is empty)")
        return
    if not EXTRA.is_installed:
        yield Finding(NAME, "fail", "shared.url is set, and a library is missing", INSTALL)
        return
    try:
        others = trio.run(_ask, settings)
    except SharedUnavailable as error:
        yield Finding(NAME, "warn", f"does not answer: {error}", "start Redis, or mend shared.url and its password")
    else:
        yield Finding(NAME, "ok", f"answers; {others} other replicas live")


async def _ask(settings: Settings) -> int:
    from backends.shared.redis import RedisShared  # noqa: PLC0415 - the optional extra

    store = RedisShared(settings.shared.url, replica="doctor", prefix=settings.shared.prefix)
    with trio.move_on_after(CHECK_S):
        async with store.connected():
            return await store.beat(0.0, is_leaving=True)
    raise SharedUnavailable(f"no answer in {CHECK_S:g} s")
