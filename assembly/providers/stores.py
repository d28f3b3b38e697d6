"""History: the table of databases, and the one that the settings choose."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from assembly.providers.provider import Finding, Provider, ProviderKind
from backends.protocols import Store
from backends.storage.sqlite import SqliteStore
from config.settings import Settings, SqliteSettings

MakeStore = Callable[[Settings], Store]


def store(settings: Settings) -> Store:
    """Return the database."""
    return STORES[settings.history.provider].make(settings)


def _check_sqlite(settings: Settings) -> Iterator[Finding]:
    yield Finding("history sqlite", "ok", str(settings.history.sqlite.path))


STORES: Final[Mapping[str, Provider[MakeStore]]] = {
    "sqlite": Provider(
        settings=SqliteSettings, make=lambda settings: SqliteStore(settings.history.sqlite), check=_check_sqlite
    ),
}
KIND: Final = ProviderKind("history", STORES, lambda settings: (settings.history.provider,))
