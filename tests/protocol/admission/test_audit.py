from protocol.admission.audit import PENDING_MAX, SHOWN_CHARS, AuditAct, AuditEntry, AuditNotes

REFUSED = AuditAct("refused", "unknown_key", "192.0.2.1")


def test_the_same_act_is_counted_and_not_listed_again() -> None:
    notes = AuditNotes()
    for _ in range(10_000):
        notes.note(REFUSED)
    notes.note(AuditAct("operate", "POST /api/drain", "192.0.2.1", "k"))
    assert notes.take(5.0) == (
        AuditEntry(5.0, REFUSED, 10_000),
        AuditEntry(5.0, AuditAct("operate", "POST /api/drain", "192.0.2.1", "k"), 1),
    )
    assert notes.take(6.0) == ()


def test_too_many_different_acts_are_only_numbered() -> None:
    notes = AuditNotes()
    for number in range(PENDING_MAX + 50):
        notes.note(AuditAct("refused", "unknown_key", f"address {number}"))
    entries = notes.take(5.0)
    assert len(entries) == PENDING_MAX + 1
    assert (entries[-1].act.kind, entries[-1].count) == ("left_out", 50)


def test_a_long_act_that_is_repeated_is_counted_when_there_is_no_room_for_another() -> None:
    notes = AuditNotes(limit=1)
    long = AuditAct("operate", "x" * 10_000, "192.0.2.1")
    notes.note(long)
    notes.note(long)
    assert [entry.count for entry in notes.take(5.0)] == [2]


def test_what_could_not_be_written_is_counted_again() -> None:
    notes = AuditNotes(limit=1)
    notes.note(REFUSED)
    notes.note(AuditAct("login", "POST /api/login", "192.0.2.1"))
    taken = notes.take(5.0)
    notes.note(REFUSED)
    notes.give_back(taken)
    assert [(entry.act.kind, entry.count) for entry in notes.take(6.0)] == [("refused", 2), ("left_out", 1)]


def test_a_long_path_is_cut() -> None:
    notes = AuditNotes()
    notes.note(AuditAct("operate", "x" * 10_000, "192.0.2.1"))
    (entry,) = notes.take(5.0)
    assert len(entry.act.what) == SHOWN_CHARS
