import pytest

from protocol.admission.handshakes import GRACE_S, SHORT_S, Handshakes


def silent(**counts: int) -> Handshakes[str]:
    """Return so many silent sockets of each address, opened at 0, called a0, a1, ..."""
    handshakes: Handshakes[str] = Handshakes()
    for tenant, count in counts.items():
        for number in range(count):
            handshakes.begin(f"{tenant}{number}", tenant)
            handshakes.listen(f"{tenant}{number}", 0.0)
    return handshakes


def test_the_longest_silent_socket_of_the_address_with_most_closes_for_another() -> None:
    handshakes = silent(b=1, a=2)
    assert handshakes.oldest(GRACE_S) == "a0"
    handshakes.close("a0")
    assert (len(handshakes), handshakes.closing) == (2, 1)
    handshakes.end("a0")
    assert handshakes.closing == 0


def test_none_closes_within_its_grace() -> None:
    handshakes = silent(a=2)
    assert handshakes.oldest(GRACE_S - 0.1) is None
    assert handshakes.overdue(1, GRACE_S - 0.1) == []


def test_the_grace_begins_when_the_server_reads_the_socket() -> None:
    handshakes = silent(b=1)
    for number in range(2):
        handshakes.begin(f"a{number}", "a")
    assert handshakes.oldest(100.0) is None
    handshakes.listen("a1", 100.0)
    handshakes.listen("gone", 100.0)
    assert handshakes.oldest(100.0 + GRACE_S) == "a1"


def test_a_socket_that_has_sent_its_request_stays() -> None:
    handshakes = silent(a=3)
    for number in range(3):
        handshakes.complete(f"a{number}")
    handshakes.close("a1")
    assert handshakes.oldest(100.0) is None
    assert (len(handshakes), handshakes.closing) == (0, 0)


@pytest.mark.parametrize(
    ("count", "now_s", "closed"),
    [
        (25, SHORT_S, 0),
        (26, GRACE_S, 1),  # more than a quarter
        (50, SHORT_S, 25),
        (51, GRACE_S, 26),
        (51, SHORT_S, 51),  # more than half: two seconds are all that each has
    ],
)
def test_one_address_may_hold_so_many_places_silently(count: int, now_s: float, closed: int) -> None:
    assert len(silent(a=count).overdue(100, now_s)) == closed


def test_many_addresses_together_have_two_seconds_each_while_they_hold_more_than_half() -> None:
    handshakes = silent(**dict.fromkeys("abcdef", 10))
    assert handshakes.overdue(100, SHORT_S - 0.1) == []
    assert len(handshakes.overdue(100, SHORT_S)) == 60
    assert handshakes.overdue(120, SHORT_S) == []


def test_where_there_are_few_places_an_address_may_have_two_silent_sockets() -> None:
    assert silent(a=2).overdue(5, GRACE_S) == []
    assert silent(a=3).overdue(6, GRACE_S) == ["a0"]


def test_what_is_forgotten_is_forgotten_once() -> None:
    handshakes = silent(a=1)
    for _ in range(2):
        handshakes.end("a0")
    assert len(handshakes) == 0
