import importlib.util

import pytest

from assembly.providers.shared_stores import MissingExtra
from assembly.providers.stores import KIND, check, store
from backends.storage.sqlite import SqliteStore
from tests.assembly.providers.provider_fixtures import settings, states


def test_history_is_kept_where_the_settings_say() -> None:
    chosen = settings(history__sqlite__path="/srv/talk.db")
    made = store(chosen)
    assert isinstance(made, SqliteStore)
    assert str(made.path) == "/srv/talk.db"
    assert next(KIND.findings(chosen)).text == "/srv/talk.db"


def test_with_an_address_it_is_kept_in_postgresql() -> None:
    made = store(settings(history__url="postgresql://sayso@db/sayso"))
    assert type(made).__name__ == "PostgresStore"


def test_a_database_whose_library_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(history__url="postgresql://sayso@db/sayso")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"history\.url needs .* run `pip install 'sayso\[postgres\]'`"):
        store(chosen)
    assert states(KIND.findings(chosen))["history postgres"] == "warn"
    check(settings())


def test_a_database_that_is_not_there_is_found() -> None:
    found = list(KIND.findings(settings(history__url="postgresql://sayso:hunter2@127.0.0.1:1/talk")))
    assert [finding.state for finding in found] == ["ok", "ok", "warn"]
    assert "PostgreSQL talk at 127.0.0.1" in found[2].text
    assert "hunter2" not in str(found)
