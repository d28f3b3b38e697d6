import resource
import signal
import stat
from pathlib import Path

import pytest

from backends.keys.audit_file import AuditFile
from protocol.admission.audit import AuditAct, AuditEntry


def entry(number: int) -> AuditEntry:
    return AuditEntry(float(number), AuditAct("operate", "POST /api/drain", "192.0.2.1", f"k{number}"))


def test_the_newest_entries_come_first_and_the_file_is_for_the_owner_only(tmp_path: Path) -> None:
    file = AuditFile.in_folder(tmp_path / "data")
    assert file.newest(10) == []
    file.append([])
    file.append([entry(1), entry(2)])
    file.append([entry(3)])
    assert file.newest(2) == [entry(3), entry(2)]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_the_record_is_bounded(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl", max_bytes=2_000)
    for number in range(500):
        file.append([entry(number)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 2_200
    found = file.newest(1_000)
    assert found[0] == entry(499)
    assert 10 < len(found) < 60


def test_two_writers_that_find_it_full_move_it_away_once(tmp_path: Path) -> None:
    writers = [AuditFile(tmp_path / "audit.jsonl", max_bytes=500) for _ in range(2)]
    for number in range(8):  # some 110 bytes each: the fifth fills it
        writers[number % 2].append([entry(number)])
    assert writers[0].newest(10) == [entry(number) for number in reversed(range(8))]


def test_entries_for_which_there_is_no_room_are_not_written_in_part(
    tmp_path: Path,
) -> None:
    file = AuditFile(tmp_path / "audit.jsonl")
    file.append([entry(1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.path.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(OSError, match="No space left on device"):
            file.append([entry(2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    file.append([entry(3)])
    assert file.path.read_bytes().count(b"\n") == 2
    assert file.newest(10) == [entry(3), entry(1)]


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl")
    file.append([entry(1)])
    with file.path.open("ab") as handle:
        handle.write(b'{"at_s": \n\xff\n[]\n{"at_s": 1, "act": {"kind": "login", "what": "\xff", "who": "x"}}\n')
    file.append([entry(2)])
    assert file.newest(10) == [entry(2), entry(1)]
