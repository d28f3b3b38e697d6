"""The keys of a running server, and the check of each request."""

import logging
import threading
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from backends.keys.audit_file import AuditFile
from backends.keys.key_file import KeyFile, KeyFileError
from backends.keys.key_ring import STALE_S, KeyCheck, KeyRing
from backends.protocols import Refusal, Request
from protocol.admission.keys import AccessKey, KeyOrder, with_new_key
from protocol.messages.identity import Identity, Scope

ADDRESS = Identity("192.0.2.1:5000", "192.0.2.1")
WRONG = "sayso_0123456789ab_" + "x" * 43


@attrs.define
class Keys:
    """A file of keys and a server that reads it; the time is set by hand."""

    file: KeyFile
    now_s: float = 1_000.0
    ring: KeyRing = attrs.field(init=False)
    check: KeyCheck = attrs.field(init=False)

    def start(self, *, is_demanded: bool = False) -> None:
        self.ring = KeyRing(self.file, is_demanded=is_demanded, unix_time=lambda: self.now_s)
        self.check = KeyCheck(self.ring)

    def add(self, *scopes: Scope, name: str = "phone", user: str = "ann", lasts_s: float | None = None) -> str:
        order = KeyOrder(name=name, user=user, scopes=frozenset(scopes), lasts_s=lasts_s)
        with self.file.locked():
            keys, text = with_new_key(self.file.read(), order, self.now_s, lambda size: name[:1].encode() * size)
            self.file.write(keys)
        return text

    def write(self, *keys: AccessKey) -> None:
        with self.file.locked():
            self.file.write(keys)

    async def ask(self, key: str | None, path: str = "/ws", method: str = "GET") -> Identity | Refusal:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return await self.check.check(ADDRESS, Request(method, path, {}, headers, ADDRESS.peer))

    async def refused(self, key: str | None, path: str = "/ws", method: str = "GET") -> tuple[int, str]:
        found = await self.ask(key, path, method)
        assert isinstance(found, Refusal)
        return found.status, found.cause


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(KeyFile.in_folder(tmp_path))


async def test_without_keys_everyone_is_the_local_user(keys: Keys) -> None:
    keys.start()
    assert await keys.ask(None) == await keys.ask(WRONG) == ADDRESS


async def test_where_a_key_is_demanded_there_need_not_be_one_to_refuse_everyone(keys: Keys) -> None:
    keys.start(is_demanded=True)
    assert await keys.refused(None) == (401, "no_key")
    assert await keys.refused(WRONG) == (401, "unknown_key")
    assert await keys.ask(None, "/health/ready") == ADDRESS


async def test_a_good_key_says_who_asks(keys: Keys) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    found = await keys.ask(text)
    assert isinstance(found, Identity)
    assert (found.user, found.tenant, found.peer) == ("ann", "user ann", ADDRESS.peer)
    assert found.grant is not None
    assert found.grant.scopes == {Scope.TALK}


async def test_a_refusal_says_how_to_ask(keys: Keys) -> None:
    text = keys.add(Scope.TALK, lasts_s=10.0)
    keys.start()
    missing, wrong, scope = await keys.ask(None), await keys.ask(WRONG), await keys.ask(text, "/api/drain", "POST")
    assert isinstance(missing, Refusal)
    assert missing.headers == (("WWW-Authenticate", 'Bearer realm="sayso"'),)
    assert isinstance(wrong, Refusal)
    assert wrong.headers == (("WWW-Authenticate", 'Bearer realm="sayso", error="invalid_token"'),)
    assert isinstance(scope, Refusal)
    assert (scope.status, scope.reason) == (403, "this needs a key for operate")
    keys.now_s += 10.0
    assert await keys.refused(text) == (401, "expired_key")


async def test_a_new_key_is_known_after_a_look_and_a_revoked_one_is_not(keys: Keys) -> None:
    phone = keys.add(Scope.TALK)
    keys.start()
    await keys.ring.refresh()
    laptop = keys.add(Scope.TALK, name="laptop")
    assert await keys.refused(laptop) == (401, "unknown_key")
    await keys.ring.refresh()
    assert isinstance(await keys.ask(laptop), Identity)
    keys.write()
    await keys.ring.refresh()
    assert await keys.refused(phone) == (401, "unknown_key")
    assert await keys.refused(None) == (401, "no_key"), "revoking the last key opens nothing"


async def test_the_first_key_closes_a_server_that_was_open(keys: Keys) -> None:
    keys.start()
    keys.add(Scope.TALK)
    await keys.ring.refresh()
    assert await keys.refused(None) == (401, "no_key")


async def test_losing_the_file_opens_nothing(keys: Keys) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    keys.file.path.unlink()
    await keys.ring.refresh()
    assert await keys.refused(text) == (401, "unknown_key")


async def test_with_a_damaged_file_the_last_good_keys_stay_and_one_line_says_so(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    keys.file.path.write_text("{")
    with caplog.at_level(logging.INFO):
        await keys.ring.refresh()
        await keys.ring.refresh()
    assert len(caplog.records) == 1
    assert "the keys stay as they were" in caplog.text
    assert isinstance(await keys.ask(text), Identity)


async def test_a_damaged_file_at_the_start_is_an_error(keys: Keys) -> None:
    keys.file.path.write_text("{")
    with pytest.raises(KeyFileError):
        keys.start()


async def test_a_grant_is_held_while_its_key_is_good(keys: Keys) -> None:
    text = keys.add(Scope.TALK, lasts_s=10.0)
    keys.start()
    found = await keys.ask(text)
    assert isinstance(found, Identity)
    assert found.grant is not None
    assert keys.ring.holds(found.grant)
    keys.now_s += 10.0
    assert not keys.ring.holds(found.grant)


async def test_ten_thousand_guesses_are_refused_and_a_right_key_of_the_same_address_is_not(
    keys: Keys, autojump_clock: MockClock
) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    refused = [await keys.refused(f"{text[:-1]}{number}") for number in range(10_000)]
    assert refused == [(401, "unknown_key")] * 10 + [(429, "logins")] * 9_990
    assert isinstance(await keys.ask(text), Identity)
    await trio.sleep(60.0)
    assert await keys.refused(WRONG) == (401, "unknown_key")


async def test_nothing_that_is_told_or_logged_has_a_key_in_it(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    text = keys.add(Scope.TALK, lasts_s=10.0)
    caplog.set_level(logging.DEBUG)
    keys.start()
    await keys.ring.refresh()
    told = [await keys.ask(text), await keys.ask(WRONG), await keys.ask(text, "/metrics")]
    keys.now_s += 10.0
    told.append(await keys.ask(text))
    shown = repr(told) + repr(keys.ring) + caplog.text + keys.file.path.read_text()
    for secret in (text, text.rpartition("_")[2], WRONG, "x" * 43):
        assert secret not in shown


async def test_a_file_that_cannot_be_opened_once_is_read_at_the_next_look(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    keys.write()  # revoked

    def too_many(_file: KeyFile) -> tuple[AccessKey, ...]:
        raise KeyFileError("keys.json: Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(KeyFile, "read", too_many)
        await keys.ring.refresh()
    await keys.ring.refresh()
    assert await keys.refused(text) == (401, "unknown_key")


async def test_what_was_read_first_does_not_replace_what_was_read_later(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    keys.add(Scope.TALK, name="laptop")
    has_read, may_return = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()
    read = KeyFile.read

    def slowly(file: KeyFile) -> tuple[AccessKey, ...]:
        found = read(file)
        trio.from_thread.run_sync(has_read.set, trio_token=token)
        assert may_return.wait(60)
        return found

    monkeypatch.setattr(KeyFile, "read", slowly)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keys.ring.refresh)
        await has_read.wait()
        keys.write()  # all are revoked while an older version is on its way
        nursery.start_soon(keys.ring.refresh)
        may_return.set()
    assert await keys.refused(text) == (401, "unknown_key")


async def test_acts_that_could_not_be_written_are_written_later(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.start(is_demanded=True)
    await keys.refused(WRONG)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AuditFile, "append", full)
        await keys.ring.refresh()
    await keys.ring.refresh()
    assert [entry.act.what for entry in keys.ring.record.newest(10)] == ["unknown_key"]


async def test_a_request_after_a_while_without_clients_is_checked_against_the_file_as_it_is(
    keys: Keys, autojump_clock: MockClock
) -> None:
    text = keys.add(Scope.TALK)
    keys.start()
    assert isinstance(await keys.ask(text), Identity)
    keys.write()
    assert isinstance(await keys.ask(text), Identity), "it was looked at a moment ago"
    await trio.sleep(STALE_S)
    assert await keys.refused(text) == (401, "unknown_key")


async def test_the_first_key_is_demanded_of_the_next_request_after_a_while_without_clients(
    keys: Keys, autojump_clock: MockClock
) -> None:
    keys.start()
    assert await keys.ask(None) == ADDRESS
    keys.add(Scope.TALK)
    await trio.sleep(STALE_S)
    assert await keys.refused(None) == (401, "no_key")
