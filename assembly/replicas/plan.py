"""Which servers there are, with what settings, and what is said about them at the start; pure.

Rules kept here:

* A replica has the settings of the whole, but listens on loopback, believes the proxy there, and has a name of its own.
* What the whole is known by from outside (its names, whether a key is needed) is told to each, which cannot see it.
"""

from collections.abc import Mapping, Sequence

from backends.replicas.haproxy import FrontAddress, ReplicaAddress
from config.load import needs_key
from config.settings import Settings
from protocol.admission.origin import own_names

LOOPBACK = "127.0.0.1"
SEEN_S = 3.0  # HAProxy looks every second, and believes the second time
REPLICA_MB = 850  # with its workers and the embedded models, pages that they share counted once


def addresses(settings: Settings, free_ports: Sequence[int]) -> tuple[ReplicaAddress, ...]:
    """Return where the replicas listen; ``free_ports`` are used where the settings name none."""
    count, first = settings.replicas.count, settings.replicas.first_port
    ports = range(first, first + count) if first else free_ports[:count]
    return tuple(ReplicaAddress(f"replica-{number}", port) for number, port in enumerate(ports, 1))


def front(settings: Settings, free_port: int) -> FrontAddress:
    """Return the address that clients know; ``free_port`` is used if the settings name none."""
    gateway = settings.gateway
    return FrontAddress(
        host=gateway.host,
        port=gateway.port or free_port,
        is_tls=bool(gateway.tls_certificate),
        idle_timeout_s=settings.session.idle_timeout_s,
        max_connections=gateway.max_http_connections + gateway.websocket.max_connections,
    )


def replica_settings(settings: Settings, replica: ReplicaAddress, machine: str) -> Mapping[str, str]:
    """Return what a replica is told besides the settings of the whole, as flags; ``machine`` is the computer's name."""
    gateway = settings.gateway
    names = own_names(gateway.host, machine)
    told = {
        "gateway.host": LOOPBACK,
        "gateway.port": str(replica.port),
        "gateway.require_key": str(needs_key(gateway)).lower(),
        "gateway.trusted_proxies": ",".join(dict.fromkeys([*gateway.trusted_proxies, LOOPBACK])),
        "gateway.allowed_hosts": ",".join(dict.fromkeys([*gateway.allowed_hosts, *sorted(names)])),
        "gateway.tls_certificate": gateway.tls_certificate,
        "gateway.tls_key": gateway.tls_key,
        "supervisor.drain_delay_s": f"{drain_delay_s(settings):g}",
        "shared.replica": f"{settings.shared.replica or machine}-{replica.name}"[-64:],
        "replicas.count": "1",
    }
    return {key: value for key, value in told.items() if value or key == "gateway.allowed_hosts"}


def remarks(settings: Settings, cores: int) -> list[str]:
    """Return what makes little sense, in words, for a machine of so many processors."""
    count, workers = settings.replicas.count, settings.transcription.workers
    said = []
    wanted = count * (workers + 1)
    if settings.transcription.provider == "embedded" and wanted > cores:
        said.append(
            f"{count} replicas with {workers} recognisers each want {wanted} processors, and there are {cores}: speech"
            " takes them, so more replicas serve no more people here. They let one be replaced while others go on; each"
            f" takes some {REPLICA_MB} MB (replicas.count, transcription.workers)"
        )
    if not settings.shared.url:
        said.append(
            "without shared.url (a Redis) a session goes on at its own replica only, and each counts for itself how"
            " often somebody asks"
        )
    if settings.history.enabled and settings.history.database == "sqlite":
        said.append(
            f"{count} replicas share one SQLite file, which is for a few people; history.url (PostgreSQL) is for more"
        )
    return said


def drain_delay_s(settings: Settings) -> float:
    """Return how long a replica that leaves still takes clients, so that HAProxy has seen it."""
    return max(settings.supervisor.drain_delay_s, SEEN_S)


def leave_within_s(settings: Settings) -> float:
    """Return the seconds in which a replica that was told to leave has gone."""
    limits = settings.supervisor
    return drain_delay_s(settings) + limits.drain_timeout_s + limits.stop_timeout_s + 5.0
