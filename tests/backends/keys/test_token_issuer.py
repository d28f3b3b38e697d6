"""Tokens, from the key that makes them to the request that shows them."""

from pathlib import Path

import attrs
import pytest
import trio

from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyCheck, KeyRing
from backends.keys.token_issuer import TokenIssuer, TokenOrder
from backends.protocols import CheckUnavailable, Refusal, Request
from protocol.admission.credentials import COOKIE
from protocol.admission.keys import AccessKey
from protocol.messages.identity import Identity, Scope

ADDRESS = Identity("192.0.2.1:5000", "192.0.2.1")
BOTH = frozenset({Scope.TALK, Scope.READ})
KEY = AccessKey("0123456789ab", "phone", "ann", BOTH, "d" * 64, 0.0)
TALK = TokenOrder(scopes=frozenset({Scope.TALK}), lasts_s=60.0)


@attrs.define
class Tokens:
    """A server with one key; the time is set by hand."""

    folder: Path
    now_s: float = 1_000.0
    ring: KeyRing = attrs.field(init=False)
    check: KeyCheck = attrs.field(init=False)

    def start(self) -> None:
        file = KeyFile.in_folder(self.folder)
        with file.locked():
            file.write([KEY])
        self.ring = KeyRing(file, is_demanded=True, unix_time=lambda: self.now_s)
        self.check = KeyCheck(self.ring)

    @property
    def issuer(self) -> TokenIssuer:
        return self.ring.tokens

    async def ask(self, token: str, path: str = "/ws", *, cookie: bool = False) -> Identity | Refusal:
        headers = {"cookie": f"{COOKIE}={token}"} if cookie else {"authorization": f"Bearer {token}"}
        return await self.check.check(ADDRESS, Request("GET", path, {}, headers, ADDRESS.peer))

    async def cause(self, token: str, path: str = "/ws", *, cookie: bool = False) -> str:
        found = await self.ask(token, path, cookie=cookie)
        assert isinstance(found, Refusal)
        return found.cause


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    found = Tokens(tmp_path)
    found.start()
    return found


async def test_a_token_says_who_made_it_and_allows_what_it_was_made_for(tokens: Tokens) -> None:
    token, expires_at_s = await tokens.issuer.issue(KEY, TALK)
    assert expires_at_s == 1_060.0
    found = await tokens.ask(token)
    assert isinstance(found, Identity)
    assert (found.user, found.tenant) == ("ann", "user ann")
    assert found.grant is not None
    assert (found.grant.is_token, found.grant.scopes) == (True, frozenset({Scope.TALK}))
    assert await tokens.cause(token, "/metrics") == "scope"
    tokens.now_s += 60.0
    assert not tokens.ring.holds(found.grant), "its socket is closed"
    assert await tokens.cause(token) == "expired_key"


async def test_a_token_lasts_no_longer_than_its_key(tokens: Tokens) -> None:
    _, expires_at_s = await tokens.issuer.issue(attrs.evolve(KEY, expires_at_s=1_010.0), TALK)
    assert expires_at_s == 1_010.0


async def test_a_token_for_one_use_is_used_by_the_request_that_is_admitted(tokens: Tokens) -> None:
    token, _ = await tokens.issuer.issue(KEY, attrs.evolve(TALK, is_single_use=True))
    assert await tokens.cause(token, "/metrics") == "scope"
    assert isinstance(await tokens.ask(token), Identity), "a refused request has not used it"
    assert await tokens.cause(token) == "used_token"


async def test_a_token_for_one_use_is_not_good_after_a_restart(tokens: Tokens) -> None:
    once, _ = await tokens.issuer.issue(KEY, attrs.evolve(TALK, is_single_use=True))
    lasting, _ = await tokens.issuer.issue(KEY, TALK)
    tokens.start()
    assert await tokens.cause(once) == "used_token"
    assert isinstance(await tokens.ask(lasting), Identity)


async def test_a_cookie_holds_a_token_for_pages_and_nothing_else(tokens: Tokens) -> None:
    page, _ = await tokens.issuer.issue(KEY, attrs.evolve(TALK, audience="page"))
    assert isinstance(await tokens.ask(page, cookie=True), Identity)
    assert await tokens.cause(page) == "unknown_key"
    token, _ = await tokens.issuer.issue(KEY, TALK)
    assert await tokens.cause(token, cookie=True) == "unknown_key"
    assert await tokens.cause("sayso_0123456789ab_" + "s" * 43, cookie=True) == "unknown_key"


async def test_without_its_secret_no_token_is_taken(tokens: Tokens) -> None:
    (tokens.folder / "tokens.secret").write_bytes(b"short")
    with pytest.raises(CheckUnavailable, match="must have 32 bytes"):
        await tokens.ask("sayso-token.x.y")


async def test_tokens_that_are_made_at_once_are_signed_with_one_secret(tokens: Tokens) -> None:
    made: list[str] = []

    async def make() -> None:
        made.append((await tokens.issuer.issue(KEY, TALK))[0])

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(make)
    tokens.start()
    assert all([isinstance(await tokens.ask(token), Identity) for token in made])
