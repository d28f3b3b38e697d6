import pytest

from assembly.providers import synthesisers
from assembly.providers.synthesisers import synthesiser_pool, synthesisers_in_use, voices
from backends.speech.models import ModelError
from backends.speech.remote_pool import RemoteFirst
from runtime.workers.pool import Pool
from tests.assembly.providers.provider_fixtures import settings, states

ELSEWHERE = {"speech__provider": "openai", "speech__openai__url": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({}, ("piper",)),
        ({"speech__provider": "none"}, ()),
        (ELSEWHERE, ("openai", "piper")),
        (ELSEWHERE | {"speech__fallback": "false"}, ("openai",)),
    ],
)
def test_a_server_elsewhere_has_piper_behind_it_if_it_may(flags: dict[str, str], names: tuple[str, ...]) -> None:
    assert synthesisers_in_use(settings(**flags)) == names


async def test_each_choice_makes_its_pool() -> None:
    assert synthesiser_pool(settings(speech__provider="none")) is None
    assert isinstance(synthesiser_pool(settings()), Pool)
    both, alone = settings(**ELSEWHERE), settings(**ELSEWHERE, speech__fallback="false")
    assert isinstance(synthesiser_pool(both), RemoteFirst)
    assert isinstance(synthesiser_pool(alone), RemoteFirst)
    shown = [pool.statistics().workers for pool in map(synthesiser_pool, (both, alone)) if pool is not None]
    assert [len(workers) for workers in shown] == [1, 0]


def test_the_voices_are_those_of_the_first_choice() -> None:
    assert voices(settings(**ELSEWHERE)) is None, "a server elsewhere may have any"
    assert voices(settings(speech__provider="none")) == ()
    found = voices(settings(speech__piper__voice="de_DE-thorsten-medium"))
    assert found is not None
    assert found[0] == "de_DE-thorsten-medium"


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({}, "warn"),
        ({"speech__provider": "none"}, "ok"),
        (ELSEWHERE, "warn"),
        (ELSEWHERE | {"speech__fallback": "false"}, "ok"),
    ],
)
def test_piper_is_missed_where_it_is_wanted_also_behind_a_server(
    flags: dict[str, str], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(synthesisers, "check_openai", lambda *_arguments: iter(()))
    assert states(synthesisers.KIND.findings(settings(**flags)))["speech piper"] == state


@pytest.mark.parametrize("flags", [{}, ELSEWHERE])
def test_a_voice_that_is_missing_is_told_before_it_is_loaded(flags: dict[str, str]) -> None:
    nobodys = settings(speech__piper__voice="nobody", **flags)
    with pytest.raises(ModelError, match="'nobody' is no "):
        synthesisers.check(nobodys)


def test_without_piper_no_voice_is_missed() -> None:
    synthesisers.check(settings(speech__piper__voice="nobody", speech__provider="none"))
