from collections.abc import Mapping

import attrs
import pytest

from assembly.replicas.plan import addresses, drain_delay_s, front, leave_within_s, remarks, replica_settings
from backends.replicas.haproxy import ReplicaAddress
from config.load import load
from config.settings import Settings

REPLICA = ReplicaAddress("replica-2", 8002)


def settings(**changed: str) -> Settings:
    """Return settings by keys with two underscores for dots."""
    given = {name.replace("__", "."): value for name, value in changed.items()}
    return load(None, {"HOME": "/home/ada"}, given).settings


def told(of: Settings) -> Mapping[str, str]:
    return replica_settings(of, REPLICA, "machine")


def as_told(of: Settings) -> Settings:
    """Return the settings that a replica reads, with what it is told in front of nothing else."""
    return load(None, {"HOME": "/home/ada"}, told(of)).settings


def test_replicas_listen_on_ports_that_follow_each_other_or_that_are_free() -> None:
    named = addresses(settings(replicas__count="3"), ())
    assert [(one.name, one.port) for one in named] == [("replica-1", 8001), ("replica-2", 8002), ("replica-3", 8003)]
    free = addresses(settings(replicas__count="2", replicas__first_port="0"), (4711, 4712, 4713))
    assert [one.port for one in free] == [4711, 4712]


def test_clients_know_the_address_of_the_settings() -> None:
    assert front(settings(gateway__port="8000"), 4711).port == 8000
    found = front(settings(gateway__port="0", gateway__tls_certificate="c", gateway__tls_key="k"), 4711)
    assert (found.host, found.port, found.is_tls, found.max_connections) == ("127.0.0.1", 4711, True, 1_100)


def test_a_replica_listens_on_loopback_and_believes_the_proxy_there() -> None:
    found = as_told(settings(gateway__host="0.0.0.0", gateway__trusted_proxies="10.0.0.0/8", replicas__count="2"))
    assert (found.gateway.host, found.gateway.port) == ("127.0.0.1", 8002)
    assert found.gateway.trusted_proxies == ("10.0.0.0/8", "127.0.0.1")
    assert found.replicas.count == 1
    assert found.shared.replica == "machine-replica-2"


@pytest.mark.parametrize(
    ("given", "is_needed"),
    [
        ({}, False),
        ({"gateway__host": "0.0.0.0"}, True),
        ({"gateway__host": "0.0.0.0", "gateway__insecure": "true"}, False),
        ({"gateway__require_key": "true"}, True),
    ],
)
def test_a_replica_wants_keys_where_the_whole_does_though_it_listens_on_loopback(
    given: dict[str, str], is_needed: bool
) -> None:
    assert as_told(settings(**given)).gateway.require_key is is_needed


def test_a_replica_knows_the_names_of_the_whole() -> None:
    open_host = settings(gateway__host="0.0.0.0", gateway__allowed_hosts="voice.example.org")
    assert as_told(open_host).gateway.allowed_hosts == ("voice.example.org", "machine", "machine.local")
    assert as_told(settings()).gateway.allowed_hosts == ()


def test_a_replica_has_the_certificate_of_the_whole() -> None:
    found = as_told(settings(gateway__tls_certificate="/c.pem", gateway__tls_key="/k.pem"))
    assert (found.gateway.tls_certificate, found.gateway.tls_key) == ("/c.pem", "/k.pem")


def test_a_replica_that_leaves_takes_clients_until_haproxy_has_seen_it_and_has_time_to_go() -> None:
    assert as_told(settings()).supervisor.drain_delay_s == 3.0
    assert as_told(settings(supervisor__drain_delay_s="5")).supervisor.drain_delay_s == 5.0
    of = settings()
    limits = attrs.evolve(of.supervisor, drain_delay_s=drain_delay_s(of))
    assert leave_within_s(of) > limits.drain_delay_s + limits.drain_timeout_s + limits.stop_timeout_s


def test_what_makes_little_sense_is_said() -> None:
    few, alone, file = remarks(settings(replicas__count="2"), 2)
    assert few.startswith("2 replicas with 2 recognisers each want 6 processors, and there are 2")
    assert "shared.url" in alone
    assert "SQLite" in file


def test_where_all_is_well_nothing_is_said() -> None:
    given = {"replicas__count": "2", "shared__url": "redis://r", "history__url": "postgresql://p/s"}
    assert remarks(settings(**given), 6) == []
    assert (
        remarks(settings(**given, transcription__provider="openai", transcription__openai__url="http://s/v1"), 2) == []
    )
