"""The commands, on a data folder of their own."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backends.keys.audit_file import AuditFile
from backends.keys.key_file import KeyFile
from cli import main
from cli.keys import expiry_of
from protocol.admission.audit import AuditAct
from protocol.admission.keys import KEY, AccessKey, digest_of
from protocol.messages.identity import Scope

pytestmark = pytest.mark.usefixtures("bare_environment")


def run(*arguments: str, data: Path) -> Result:
    group, command, *rest = arguments
    given = [group, command, "--set", f"supervisor.data_dir={data}", *rest]
    return CliRunner().invoke(main, given, env={"COLUMNS": "200"})


def test_a_key_is_printed_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    result = run("keys", "new", "phone", "--scope", "talk", "--scope", "read", "--user", "ann", data=tmp_path)
    assert result.exit_code == 0, result.output
    text = result.stdout.strip()
    assert KEY.fullmatch(text)
    assert result.stderr == "keep it: it is not shown again\n"
    (key,) = KeyFile.in_folder(tmp_path).read()
    assert (key.name, key.user, key.scopes) == ("phone", "ann", frozenset({Scope.TALK, Scope.READ}))
    assert key.digest == digest_of(text)
    assert text.rpartition("_")[2] not in (tmp_path / "keys.json").read_text()
    assert text.rpartition("_")[2] not in run("keys", "list", data=tmp_path).output


def test_keys_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    run("keys", "new", "phone", "--expires", "90d", data=tmp_path)
    run("keys", "new", "[bold]console", "--scope", "operate", data=tmp_path)
    lines = [re.split(r"\s{2,}", line.strip()) for line in run("keys", "list", data=tmp_path).stdout.splitlines()]
    assert lines[0] == ["name", "identifier", "user", "scopes", "expires"]
    assert [lines[1][0], *lines[1][2:]] == ["phone", "local", "talk", "in 90 days"]
    assert [lines[2][0], *lines[2][2:]] == ["[bold]console", "local", "operate", "never"]


def test_a_rotated_key_is_another_and_a_revoked_one_is_gone(tmp_path: Path) -> None:
    before = run("keys", "new", "phone", data=tmp_path).stdout.strip()
    after = run("keys", "rotate", "phone", data=tmp_path).stdout.strip()
    assert KEY.fullmatch(after)
    assert after != before
    (key,) = KeyFile.in_folder(tmp_path).read()
    assert run("keys", "revoke", key.key_id, data=tmp_path).stdout == f"revoked phone ({key.key_id})\n"
    assert KeyFile.in_folder(tmp_path).read() == ()


def test_changes_of_keys_are_written_down(tmp_path: Path) -> None:
    text = run("keys", "new", "phone", data=tmp_path).stdout.strip()
    run("keys", "rotate", "phone", data=tmp_path)
    run("keys", "revoke", "phone", data=tmp_path)
    acts = [entry.act for entry in AuditFile.in_folder(tmp_path).newest(10)]
    key_id = text.split("_")[1]
    assert acts == [AuditAct("keys", what, "command line", key_id) for what in ("revoked", "replaced", "made")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("new", "a\x1b[2J"), "a key's name must be"),
        (("new", "phone", "--user", "../ann"), "a user must be"),
        (("new", "phone", "--expires", "soon"), "a duration must be like 90d"),
        (("revoke", "' OR 1=1"), "there is no key named"),
        (("rotate", "phone"), "only: none"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    result = run("keys", *arguments, data=tmp_path)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "\x1b" not in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "keys.json").exists()


def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    for arguments in (("list",), ("new", "phone"), ("revoke", "phone")):
        assert "is no file of keys" in run("keys", *arguments, data=tmp_path).stderr
    assert (tmp_path / "keys.json").read_text() == "{"


@pytest.mark.parametrize(
    ("expires_at_s", "shown"),
    [(None, "never"), (100.0, "expired"), (100.0 + 1_800, "in 0.5 hours"), (100.0 + 30 * 86_400, "in 30 days")],
)
def test_when_a_key_expires_is_told_in_words(expires_at_s: float | None, shown: str) -> None:
    key = AccessKey("0" * 12, "phone", "ann", frozenset({Scope.TALK}), "d" * 64, 0.0, expires_at_s)
    assert expiry_of(key, 100.0) == shown
