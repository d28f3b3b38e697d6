import attrs
import pytest

from protocol.admission.notices import ActorLook
from protocol.admission.service_parts import ServiceParts
from protocol.messages.events import Degraded, Recovered

WELL = ActorLook(state="ready")
ILL = attrs.evolve(WELL, trouble="no answer in 5 s")


@pytest.mark.parametrize("name", ["tools.home", "inference", "transcription", "meaning", "history"])
@pytest.mark.parametrize(
    ("ill", "reason"),
    [(ILL, "no answer in 5 s"), (ActorLook(state="backoff", exit="lost"), "it is being started again")],
)
def test_a_part_that_fails_is_told_once_and_so_is_that_it_works_again(name: str, ill: ActorLook, reason: str) -> None:
    parts = ServiceParts()
    told = [parts.look({name: look}) for look in (WELL, ill, ill, WELL, WELL, ill)]
    gone = Degraded(name, reason)
    assert told == [[], [gone], [], [Recovered(name, "it works again")], [], [gone]]


def test_what_never_worked_is_not_missed() -> None:
    parts = ServiceParts()
    assert [parts.look({"tools.home": look}) for look in (ILL, ActorLook(state="starting"), WELL)] == [[], [], []]


def test_a_part_that_is_about_to_start_has_not_recovered() -> None:
    parts = ServiceParts()
    parts.look({"tools.home": WELL})
    parts.look({"tools.home": ILL})
    assert parts.look({"tools.home": ActorLook(state="starting")}) == []


@pytest.mark.parametrize("name", ["speech", "monitor", "metrics", "tools.router", "commands"])
def test_clients_are_not_told_of_what_does_not_do_their_work_or_is_told_elsewhere(name: str) -> None:
    parts = ServiceParts()
    parts.look({name: WELL})
    assert parts.look({name: ILL}) == []


def test_a_long_reason_is_cut() -> None:
    parts = ServiceParts()
    parts.look({"history": WELL})
    [event] = parts.look({"history": attrs.evolve(ILL, trouble="x" * 1_000)})
    assert len(event.reason) == 300
