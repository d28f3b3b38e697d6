import attrs

from assembly.status_source import figures
from runtime.policies.balancing import AddressStatistics
from runtime.workers.pool_statistics import PoolOwnerStatistics, RemoteStatistics, WorkerStatistics
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


def test_servers_elsewhere_are_enough_for_a_pool_without_a_process() -> None:
    address = AddressStatistics(url="http://a", breaker="closed", in_work=0, answers=0, failures=0, overtaken=0)
    remote = RemoteStatistics(addresses=(address,), fallbacks=0, hedges=0, hedge_after_s=1.0)
    well = pool_statistics(ready=0, remote=remote)
    assert well.trouble_now is None
    assert not well.has_local_workers
    broken = attrs.evolve(remote, addresses=(attrs.evolve(address, breaker="open"),))
    assert attrs.evolve(well, remote=broken).trouble_now == "no server of the settings answers"
    assert attrs.evolve(well, remote=broken, ready=1).trouble_now is None, "its own processes do it"
