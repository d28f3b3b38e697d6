from assembly.providers.stores import KIND, store
from backends.storage.sqlite import SqliteStore
from tests.assembly.providers.provider_fixtures import settings


def test_history_is_kept_where_the_settings_say() -> None:
    chosen = settings(history__sqlite__path="/srv/talk.db")
    made = store(chosen)
    assert isinstance(made, SqliteStore)
    assert str(made.path) == "/srv/talk.db"
    assert [finding.text for finding in KIND.findings(chosen)] == ["/srv/talk.db"]
