import attrs

from assembly.status_source import figures
from runtime.workers.pool_statistics import PoolOwnerStatistics, WorkerStatistics
from tests.fake_pool import pool_statistics


def test_a_pool_of_processes_has_local_workers() -> None:
    assert pool_statistics().has_local_workers


def test_a_place_without_a_process_shows_no_figures_of_one() -> None:
    place = WorkerStatistics(restarts=1, last_exit="was ended by SIGKILL", state="down", role=None)
    busy = attrs.evolve(place, state="busy", role="active", pid=7, jobs=0, busy_s=0.0, age_s=0.5, pss_bytes=1)

    assert figures(place) == {"restarts": 1, "last_exit": "was ended by SIGKILL", "state": "down", "role": None}
    assert figures(busy).keys() - figures(place).keys() == {"pid", "jobs", "busy_s", "age_s", "pss_bytes"}


def test_an_actor_without_a_pool_shows_none() -> None:
    assert figures(PoolOwnerStatistics()) == {}
    assert figures(PoolOwnerStatistics(pool=pool_statistics()))["pool"]["ready"] == 1


def test_an_actor_is_in_trouble_whose_pool_has_no_process_ready() -> None:
    assert PoolOwnerStatistics().trouble is None
    assert PoolOwnerStatistics(pool=pool_statistics()).trouble is None
    nothing_ready = attrs.evolve(pool_statistics(), ready=0)
    assert PoolOwnerStatistics(pool=nothing_ready).trouble == "no worker process is ready"
