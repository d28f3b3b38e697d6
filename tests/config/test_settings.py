import attrs
import pytest

from config.keys import KEYS
from config.load import load
from config.problems import ConfigError
from config.settings import AudioSettings, Settings


@pytest.fixture
def settings() -> Settings:
    return load(None, {"HOME": "/home/ada"}, {}).settings


def test_settings_cannot_be_changed(settings: Settings) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.gateway.port = 1  # type: ignore[misc]  # that it is refused is the point


def test_a_class_checks_its_own_values(settings: Settings) -> None:
    with pytest.raises(ValueError, match="silence_ms"):
        attrs.evolve(settings.audio, silence_ms=10)


NUMBERS = [key.name for key in KEYS.values() if key.field.type in {int, float}]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["100000000000000000000", "-100000000000000000000"])
def test_every_number_has_an_upper_and_a_lower_bound(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"^command line: {name}: expected a value [<>]=? ?\S+, not '{value}'$"):
        load(None, {"HOME": "/home/ada"}, {name: value})


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("transcription.workers", "1000000", "<= 1024"),
        ("gateway.max_http_connections", "1000001", "<= 1000000"),
        ("dialogue.turn_timeout_s", "15000", "<= 3600"),
        ("history.keep_days", "36526", "<= 36525"),
    ],
)
def test_an_absurd_number_is_refused_with_its_bound(name: str, value: str, bound: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name}: expected a value {bound}, not '{value}'"):
        load(None, {"HOME": "/home/ada"}, {name: value})


@pytest.mark.parametrize("section", ["transcription", "speech"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("localhost:9000", "expected addresses such as http://10.0.0.7:8000/v1"),
        ("http://a/v1,ftp://b", "expected addresses such as"),
        ("http:///v1", "expected addresses such as"),
        ("http://a/v1,http://a/v1/", "expected each address once"),
    ],
)
def test_an_address_of_a_speech_server_that_cannot_be_is_refused(section: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=f"{section}.openai.url: {problem}"):
        load(None, {"HOME": "/home/ada"}, {f"{section}.openai.url": value})


def test_with_several_servers_more_utterances_are_in_work() -> None:
    flags = {"transcription.provider": "openai", "transcription.openai.url": "http://a/v1,http://b/v1"}
    elsewhere = load(None, {"HOME": "/home/ada"}, flags | {"transcription.openai.at_once": "3"}).settings.transcription
    assert elsewhere.at_once == 6
    assert attrs.evolve(elsewhere, provider="embedded", workers=5).at_once == 5


def test_a_server_is_whole_or_has_a_role_for_others() -> None:
    home = {"HOME": "/home/ada"}
    whole = load(None, home, {}).settings.supervisor
    recogniser = load(None, home, {"supervisor.roles": "recognise"}).settings.supervisor
    assert (whole.has_sessions, whole.does("recognise"), whole.does("speak")) == (True, True, True)
    assert (recogniser.has_sessions, recogniser.does("recognise"), recogniser.does("speak")) == (False, True, False)
    with pytest.raises(ConfigError, match=r"supervisor\.roles: expected recognise, speak, both or none"):
        load(None, home, {"supervisor.roles": "talk"})


def test_every_field_of_a_class_must_be_given() -> None:
    with pytest.raises(TypeError, match="missing"):
        AudioSettings()  # type: ignore[call-arg]  # that it is refused is the point


@pytest.mark.parametrize(
    ("flags", "database"),
    [
        ({}, "sqlite"),
        ({"history.url": "postgresql://sayso@db/sayso"}, "postgres"),
        ({"history.url": "postgresql+psycopg://sayso:pw@a:5432,b:5433/sayso?sslmode=require"}, "postgres"),
        ({"history.url": "postgres://db", "history.provider": "sqlite"}, "sqlite"),
        (
            {"history.url": "postgres://db", "history.provider": "postgres", "history.read_url": "postgres://c"},
            "postgres",
        ),
    ],
)
def test_the_database_is_the_one_that_has_an_address(flags: dict[str, str], database: str) -> None:
    assert load(None, {"HOME": "/home/ada"}, flags).settings.history.database == database


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"history.provider": "postgres"}, "needs history.url, or DATABASE_URL"),
        ({"history.read_url": "postgres://c"}, "history.read_url needs history.url"),
        ({"history.url": "host=db password=hunter2"}, "expected an address such as"),
    ],
)
def test_an_address_that_is_missing_or_none_is_refused_without_its_password(flags: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        load(None, {"HOME": "/home/ada"}, flags)
    assert "hunter2" not in str(caught.value)
