"""The places for WebSockets: admission, refusal, and which silent sockets close; pure, time is an argument.

Rules kept here:

* A place is taken by the decision itself, so a storm of clients cannot overshoot.
* A client that is refused as a new one gets a place on trial while sessions wait for a client that was cut off: it may
  come back to one of them, and nothing else.
* A silent socket closes for a newcomer only if that lets the newcomer in (``protocol/admission/handshakes.py``).
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import attrs

from protocol.admission.admission import Admission, AdmissionRefused, may_return
from protocol.admission.capacity import Demand
from protocol.admission.handshakes import Handshakes
from protocol.admission.tenants import Tenants, last_places

TRIAL_S: Final = 1.0  # by then a socket has usually resumed a session or been refused

S = TypeVar("S")


@attrs.frozen
class SessionPlace:
    """One place that is taken."""

    tenant: str
    refused: AdmissionRefused | None = None
    """Why only a client that resumes a session is served; ``None`` if new ones are, too."""
    trial_until_s: float | None = None
    """When the place stops counting as one on trial."""


@attrs.frozen
class PlaceDecision(Generic[S]):
    """The decision about one request for a place."""

    result: SessionPlace | AdmissionRefused
    closes: tuple[S, ...] = ()
    """Silent sockets that are to be closed now."""


@attrs.define
class SessionPlaces(Generic[S]):
    """Counts the places of one server."""

    limit: int
    max_share: float
    """The share of the recogniser that speaking sessions may need."""
    max_share_per_address: float
    jitter: Callable[[], float]
    """Returns the random factor of a refused client's wait, 1 to 2."""
    handshakes: Handshakes[S]
    taken: int = attrs.field(default=0, init=False)
    _admission: Admission = attrs.field(init=False)
    _tenants: Tenants = attrs.field(init=False)
    _trials: list[float] = attrs.field(factory=list, init=False)
    """When each place on trial stops being one."""

    def __attrs_post_init__(self) -> None:
        self._admission = Admission(self.limit, self.max_share, self.jitter)
        self._tenants = Tenants(self.limit, self.max_share, last_places(self.limit, self.max_share_per_address))

    def take(
        self,
        tenant: str,
        level: int,
        demand: Demand | None,
        awaited: int,
        now_s: float,
        *,
        limited: AdmissionRefused | None = None,
    ) -> PlaceDecision[S]:
        """Decide about one more client of ``tenant``.

        ``level`` is that of the load, ``demand`` the speaking sessions' on the recogniser, ``None`` if unknown,
        and ``awaited`` how many sessions wait for a client that was cut off. One that is ``limited`` may only resume.
        """
        if limited is not None:
            return self._on_trial(tenant, limited, level, awaited, now_s)
        kept = self._tenants.kept_from(tenant, demand, now_s)
        late = tuple(self.handshakes.overdue(self.limit, now_s))
        for socket in late:
            self.handshakes.close(socket)
        taken = self.taken - self.handshakes.closing
        leaver = self.handshakes.oldest(now_s) if taken >= self.limit * (1 - kept.places) else None
        if leaver is not None:
            taken, kept = taken - 1, attrs.evolve(kept, places=0.0)
        refused = self._admission.refusal(level, taken, demand, now_s, kept)
        if refused is None:
            if leaver is not None:
                self.handshakes.close(leaver)
                late = (*late, leaver)
            return PlaceDecision(self._enter(SessionPlace(tenant), now_s), late)
        return attrs.evolve(self._on_trial(tenant, refused, level, awaited, now_s), closes=late)

    def _on_trial(
        self, tenant: str, refused: AdmissionRefused, level: int, awaited: int, now_s: float
    ) -> PlaceDecision[S]:
        """Give a client that is refused as a new one a place to prove that it resumes a session, if it may."""
        self._trials = [until_s for until_s in self._trials if until_s > now_s]
        if not may_return(level, awaited, len(self._trials)):
            return PlaceDecision(refused)
        self._trials.append(now_s + TRIAL_S)
        return PlaceDecision(self._enter(SessionPlace(tenant, refused, now_s + TRIAL_S), now_s))

    def _enter(self, place: SessionPlace, now_s: float) -> SessionPlace:
        self.taken += 1
        self._tenants.enter(place.tenant, now_s)
        return place

    def give_back(self, place: SessionPlace) -> None:
        """Note that the client has gone."""
        self.taken -= 1
        self._tenants.leave(place.tenant)
        if place.trial_until_s in self._trials:
            self._trials.remove(place.trial_until_s)

    def active_tenants(self, demand: Demand | None, now_s: float) -> int:
        """Return how many tenants have asked recently or speak."""
        return self._tenants.active({} if demand is None else demand.busy, now_s)
