from typing import Any

import attrs
import pytest

from protocol.admission.drain import DrainPhase
from protocol.admission.notices import (
    COUNTED,
    DETAIL_CHARS,
    NOTICES_MAX,
    ActorLook,
    CertificateLook,
    NoticeDraft,
    Notices,
    NoticeTally,
    ServerLook,
    counted,
    noticed,
)

WELL = ActorLook(state="ready")
CALM = ServerLook(actors={"speech": WELL})


def told(**changes: Any) -> list[NoticeDraft]:
    """Return what is noticed when something of a server that was calm has changed."""
    return list(noticed(CALM, attrs.evolve(CALM, **changes)))


def told_of_actor(**changes: Any) -> list[NoticeDraft]:
    """Return what is noticed when something of an actor that was well has changed."""
    return told(actors={"speech": attrs.evolve(WELL, **changes)})


def test_nothing_has_happened_between_two_looks_that_are_the_same() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"incarnation": 2, "exit": "abnormal: x"}, NoticeDraft("restarted", "speech", "abnormal: x")),
        ({"incarnation": 4}, NoticeDraft("restarted", "speech", count=3)),
        ({"state": "backoff", "exit": "lost"}, NoticeDraft("down", "speech", "lost")),
        ({"state": "zombie"}, NoticeDraft("down", "speech")),
        ({"trouble": "no worker is ready"}, NoticeDraft("degraded", "speech", "no worker is ready")),
        ({"crashes": 2, "worker_exit": "signal 9"}, NoticeDraft("worker_ended", "speech", "signal 9", 2)),
    ],
)  # fmt: skip
def test_what_has_happened_to_an_actor_is_told(changes: dict[str, object], notice: NoticeDraft) -> None:
    assert told_of_actor(**changes) == [notice]


def test_an_actor_recovers_once() -> None:
    dark = attrs.evolve(CALM, actors={"speech": attrs.evolve(WELL, trouble="dark")})
    assert noticed(dark, dark) == ()
    assert noticed(dark, CALM) == (NoticeDraft("recovered", "speech"),)


def test_an_actor_that_was_not_there_before_has_not_been_restarted() -> None:
    assert noticed(ServerLook(actors={}), CALM) == ()


def test_what_has_happened_to_the_server_is_told() -> None:
    assert told(level=3, driver="memory") == [NoticeDraft("load", "3", "memory")]
    assert told(keys={"a": 1, "b": 2}) == [NoticeDraft("keys", count=2)]
    assert told(drain=DrainPhase.DRAINING, drain_reason="deploy") == [NoticeDraft("drain", detail="deploy")]
    draining = attrs.evolve(CALM, drain=DrainPhase.DRAINING)
    assert noticed(draining, attrs.evolve(CALM, drain=DrainPhase.STOPPING)) == ()


def test_the_newest_are_kept_and_numbered_on() -> None:
    notices = Notices()
    for number in range(NOTICES_MAX + 50):
        notices.add(1_000.0 + number, [NoticeDraft("load", str(number % 6))])
    kept = notices.after(0)
    assert (len(kept), kept[0].number, kept[-1].number, notices.last) == (200, 51, 250, 250)
    assert [one.number for one in notices.after(248)] == [249, 250]
    assert kept[-1].shown() == {"number": 250, "at": 1_249.0, "kind": "load", "subject": "3", "detail": "", "count": 1}


def test_a_long_reason_is_cut() -> None:
    notices = Notices()
    notices.add(0.0, [NoticeDraft("degraded", "speech", "x" * 10_000)])
    assert len(notices.after(0)[0].told.detail) == DETAIL_CHARS


def test_refusals_are_told_at_once_and_then_once_a_minute_for_each_cause() -> None:
    rate, origin = NoticeDraft("refused", "rate"), NoticeDraft("refused", "origin")
    tally = NoticeTally()
    tally.note(rate, 1)
    assert tally.take(0.0) == (NoticeDraft("refused", "rate", count=1),)
    for _ in range(500):
        tally.note(rate, 2)
    assert tally.take(1.0) == ()
    tally.note(origin, 1)
    assert tally.take(59.0) == (origin,)
    assert tally.take(60.0) == (NoticeDraft("refused", "rate", count=1_000),)
    assert tally.take(600.0) == ()
    assert tally.totals == {"refused": 1_002}


@pytest.mark.parametrize(
    ("name", "labels", "notice"),
    [
        ("refusals_total", ("rate",), NoticeDraft("refused", "rate")),
        ("session_faults_total", ("crashed", "audio", "KeyError"), NoticeDraft("session_crashed", "audio", "KeyError")),
        ("session_faults_total", ("recovered", "", ""), NoticeDraft("session_recovered")),
        ("session_faults_total", ("failed", "dialogue", "lost"), NoticeDraft("session_failed", "dialogue", "lost")),
    ],
)
def test_what_is_counted_is_told_as_a_notice(name: str, labels: tuple[str, ...], notice: NoticeDraft) -> None:
    assert name in COUNTED
    assert counted(name, labels) == notice


# --- the certificate -----------------------------------------------------------------------------

OLD = CertificateLook("aa", "2027-01-31")
SERVING = attrs.evolve(CALM, certificate=OLD)


def test_another_certificate_is_told_with_its_last_day() -> None:
    renewed = attrs.evolve(CALM, certificate=CertificateLook("bb", "2027-04-30"))
    assert noticed(SERVING, renewed) == (NoticeDraft("certificate", "bb", "2027-04-30"),)


def test_files_that_cannot_be_used_and_a_near_end_are_told_once_each() -> None:
    bad = attrs.evolve(CALM, certificate=attrs.evolve(OLD, trouble="its key does not belong to it"))
    ending = attrs.evolve(CALM, certificate=attrs.evolve(OLD, trouble="it ends soon"))
    assert noticed(SERVING, bad) == (NoticeDraft("certificate_trouble", detail="its key does not belong to it"),)
    assert noticed(bad, bad) == ()
    assert noticed(bad, ending) == (NoticeDraft("certificate_trouble", detail="it ends soon"),)
    assert noticed(ending, SERVING) == ()


def test_the_first_certificate_is_no_news() -> None:
    assert noticed(CALM, SERVING) == ()
    assert noticed(SERVING, CALM) == ()
