import subprocess

import pytest

from assembly.providers import recognisers
from assembly.providers.recognisers import (
    recogniser_pool,
    recognisers_in_use,
    standing_pool,
    threads_within,
    whisper_pool,
)
from backends.speech.remote_pool import RemoteFirst
from runtime.workers.pool import Pool
from tests.assembly.providers.provider_fixtures import settings, states

ELSEWHERE = {"transcription__provider": "openai", "transcription__openai__url": "http://127.0.0.1:9/v1"}
ALONE = ELSEWHERE | {"transcription__fallback": "false"}


def always() -> bool:
    return True


@pytest.mark.parametrize(
    ("flags", "names"), [({}, ("embedded",)), (ELSEWHERE, ("openai", "embedded")), (ALONE, ("openai",))]
)
def test_a_server_elsewhere_has_whisper_behind_it_if_it_may(flags: dict[str, str], names: tuple[str, ...]) -> None:
    assert recognisers_in_use(settings(**flags)) == names


async def test_each_choice_makes_its_pool() -> None:
    assert isinstance(recogniser_pool(settings(), always), Pool)
    both, alone = (recogniser_pool(settings(**flags), always) for flags in (ELSEWHERE, ALONE))
    assert isinstance(both, RemoteFirst)
    assert isinstance(alone, RemoteFirst)
    assert [len(pool.statistics().workers) for pool in (both, alone)] == [3, 0], "two workers and a spare one"


async def test_another_model_has_processes_of_its_own_and_no_spare_ones() -> None:
    chosen = settings(transcription__workers="3", transcription__model_workers="2")
    assert whisper_pool(chosen).statistics().size == 3
    other = whisper_pool(chosen, "base").statistics()
    assert (other.size, len(other.workers)) == (2, 2)


async def test_a_smaller_model_that_does_the_usual_ones_work_has_as_many_processes() -> None:
    chosen = settings(transcription__workers="3", transcription__model_workers="1", transcription__model="base")
    assert standing_pool(chosen, "tiny.en").statistics().size == 3


def test_a_worker_has_no_more_threads_than_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognisers, "available_cpus", lambda: 2.5)
    assert [threads_within(wanted) for wanted in (1, 2, 8)] == [1, 2, 2]
    monkeypatch.setattr(recognisers, "available_cpus", lambda: 0.5)
    assert threads_within(4) == 1


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What CTranslate2 says that it sees; one answer."""
    answers: list[str] = ["0\n"]
    monkeypatch.setattr(
        subprocess, "run", lambda *_arguments, **_options: subprocess.CompletedProcess([], 0, stdout=answers[-1])
    )
    return answers


@pytest.mark.parametrize(
    ("device", "count", "state"), [("auto", "0\n", "ok"), ("cuda", "0\n", "fail"), ("cuda", "1\n", "ok")]
)
def test_cuda_is_only_missed_where_it_is_wanted(devices: list[str], device: str, count: str, state: str) -> None:
    devices.append(count)
    chosen = settings(transcription__embedded__device=device)
    assert states(recognisers.KIND.findings(chosen))["cuda"] == state


def test_a_ctranslate2_that_does_not_load_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(command: list[str], **_options: object) -> None:
        raise subprocess.CalledProcessError(-11, command)

    monkeypatch.setattr(subprocess, "run", crash)
    assert states(recognisers.KIND.findings(settings()))["cuda"] == "fail"


@pytest.mark.usefixtures("devices")
def test_a_model_of_the_hub_is_neither_loaded_nor_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognisers, "resolve_whisper", None)
    chosen = settings(transcription__model="large-v3-turbo")
    assert states(recognisers.KIND.findings(chosen))["whisper model"] == "warn"


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(("smaller", "state"), [("small", "warn"), ("medium.en", "warn"), ("distil-small.en", "warn")])
def test_a_smaller_model_is_looked_for_too(smaller: str, state: str) -> None:
    chosen = settings(transcription__model="small.en", transcription__smaller_model=smaller)
    found = [one for one in recognisers.KIND.findings(chosen) if one.name == "smaller whisper model"]
    assert found[0].state == state
    told = [one.text for one in found[1:]]
    is_smaller = smaller == "distil-small.en"
    assert told == (
        [] if is_smaller else [f"{smaller} takes no less memory than small.en (transcription.smaller_model)"]
    )


def test_where_only_a_server_elsewhere_transcribes_neither_model_nor_device_is_looked_at() -> None:
    findings = states(recognisers.KIND.findings(settings(**ALONE)))
    assert findings == {"transcription embedded": "ok", "transcription openai": "fail"}
