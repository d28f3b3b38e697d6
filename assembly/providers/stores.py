"""History: the table of databases, and the one that the settings choose."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from assembly.providers.provider import Extra, Finding, Provider, ProviderKind
from assembly.providers.shared_stores import MissingExtra
from backends.protocols import Store
from backends.storage.sqlite import SqliteStore
from config.settings import PostgresSettings, Settings, SqliteSettings

MakeStore = Callable[[Settings], Store]


def store(settings: Settings) -> Store:
    """Return the database; raises ``MissingExtra``."""
    check(settings)
    return STORES[settings.history.database].make(settings)


def check(settings: Settings) -> None:
    """Raise ``MissingExtra`` if the database needs a library that is not installed."""
    extra = STORES[settings.history.database].extra
    if extra is not None and not extra.is_installed:
        raise MissingExtra(f"history.url needs a library that is not installed: run `{extra.command}`")


def _make_postgres(settings: Settings) -> Store:
    from backends.storage.postgres import PostgresStore  # noqa: PLC0415 - an extra

    return PostgresStore(settings.history)


def _check_postgres(settings: Settings) -> Iterator[Finding]:
    if not POSTGRES.is_installed:
        return
    from backends.storage.postgres_check import findings  # noqa: PLC0415 - an extra

    for is_well, text, fix in findings(settings.history):
        yield Finding("history postgres", "ok" if is_well else "warn", text, fix)


def _check_sqlite(settings: Settings) -> Iterator[Finding]:
    yield Finding("history sqlite", "ok", str(settings.history.sqlite.path))


POSTGRES: Final = Extra("postgres", "psycopg_pool")
STORES: Final[Mapping[str, Provider[MakeStore]]] = {
    "sqlite": Provider(
        settings=SqliteSettings, make=lambda settings: SqliteStore(settings.history.sqlite), check=_check_sqlite
    ),
    "postgres": Provider(settings=PostgresSettings, make=_make_postgres, check=_check_postgres, extra=POSTGRES),
}
KIND: Final = ProviderKind("history", STORES, lambda settings: (settings.history.database,))
