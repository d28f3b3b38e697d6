import attrs

from protocol.admission.admission import AdmissionRefused
from protocol.admission.handshakes import GRACE_S, Handshakes
from protocol.admission.places import TRIAL_S, PlaceDecision, SessionPlace, SessionPlaces

TENANT, OTHER = "192.0.2.1", "192.0.2.2"


def places(limit: int = 2) -> SessionPlaces[str]:
    return SessionPlaces(limit, 0.9, 0.8, lambda: 1.0, Handshakes())


@attrs.define
class Client:
    """Asks for places at a server without load."""

    places: SessionPlaces[str]
    level: int = 0
    awaited: int = 0
    now_s: float = 100.0

    def ask(self, tenant: str = TENANT) -> PlaceDecision[str]:
        return self.places.take(tenant, self.level, None, self.awaited, self.now_s)

    def silent(self, socket: str, tenant: str = TENANT) -> None:
        """Take a place with a socket that sends nothing."""
        assert isinstance(self.ask(tenant).result, SessionPlace)
        self.places.handshakes.begin(socket, tenant)
        self.places.handshakes.listen(socket, self.now_s)


def test_a_place_is_taken_by_the_decision_and_given_back_once() -> None:
    client = Client(places(limit=1))
    place = client.ask().result
    assert place == SessionPlace(TENANT)
    assert client.places.taken == 1
    assert client.ask().result == AdmissionRefused("all 1 places are taken", 5.0, "places")
    assert isinstance(place, SessionPlace)
    client.places.give_back(place)
    assert client.places.taken == 0
    assert isinstance(client.ask().result, SessionPlace)


def test_a_refused_client_takes_no_place() -> None:
    client = Client(places(), level=3)
    assert isinstance(client.ask().result, AdmissionRefused)
    assert client.places.taken == 0


def test_a_client_on_trial_has_a_place_and_the_reason_why_it_is_on_trial() -> None:
    client = Client(places(), level=3, awaited=1)
    place = client.ask().result
    assert isinstance(place, SessionPlace)
    assert place.refused == AdmissionRefused("the server is under load (level 3)", 15.0, "load")
    assert client.places.taken == 1
    client.places.give_back(place)
    assert client.places.taken == 0


def test_trials_are_bounded_and_count_for_a_second() -> None:
    client = Client(places(limit=500), level=3, awaited=500)
    found = [client.ask().result for _ in range(65)]
    assert [isinstance(result, SessionPlace) for result in found] == [True] * 64 + [False]
    assert isinstance(found[0], SessionPlace)
    client.places.give_back(found[0])
    assert isinstance(client.ask().result, SessionPlace), "one on trial has gone"
    assert isinstance(client.ask().result, AdmissionRefused)
    client.now_s += TRIAL_S
    assert isinstance(client.ask().result, SessionPlace)


def test_the_silent_socket_closes_that_keeps_a_newcomer_out() -> None:
    client = Client(places(limit=2))
    client.silent("first")
    client.silent("second")
    client.now_s += GRACE_S
    decision = client.ask(OTHER)
    assert (decision.result, decision.closes) == (SessionPlace(OTHER), ("first",))
    assert client.places.taken == 3, "the closing socket holds its place until it has gone"


def test_no_silent_socket_closes_where_there_is_room_or_for_a_client_that_is_refused_anyway() -> None:
    client = Client(places(limit=4))
    client.silent("first")
    client.now_s += GRACE_S
    assert client.ask(OTHER).closes == ()
    client.ask()
    client.ask(OTHER)
    client.level = 3
    decision = client.ask(OTHER)
    assert isinstance(decision.result, AdmissionRefused)
    assert decision.closes == ()


def test_silent_sockets_beyond_an_address_s_bound_close_whatever_the_decision_is() -> None:
    client = Client(places(limit=20))
    for number in range(7):
        client.silent(str(number))
    client.now_s += GRACE_S
    client.level = 3
    decision = client.ask(OTHER)
    assert isinstance(decision.result, AdmissionRefused)
    assert decision.closes == ("0", "1")


def test_tenants_that_asked_of_late_are_counted() -> None:
    client = Client(places())
    client.ask()
    client.ask(OTHER)
    assert client.places.active_tenants(None, client.now_s) == 2
    assert client.places.active_tenants(None, client.now_s + 11.0) == 0


def test_a_client_that_asks_too_often_may_resume_and_nothing_else() -> None:
    client = Client(places())
    limited = AdmissionRefused("too many requests", 0.6, "rate")

    def ask() -> SessionPlace | AdmissionRefused:
        return client.places.take(TENANT, 0, None, client.awaited, client.now_s, limited=limited).result

    assert ask() is limited
    assert client.places.taken == 0
    client.awaited = 1
    place = ask()
    assert isinstance(place, SessionPlace)
    assert place.refused is limited
    client.places.give_back(place)
    assert client.places.taken == 0
