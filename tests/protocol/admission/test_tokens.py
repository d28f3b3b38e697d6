from typing import Any

import attrs
import msgspec
import pytest

from protocol.admission.keys import AccessKey
from protocol.admission.tokens import (
    PREFIX,
    Audience,
    TokenClaims,
    UsedTokens,
    find_token,
    mark_of,
    token_text,
)
from protocol.messages.identity import Scope

SECRET, OTHER = b"s" * 32, b"o" * 32
NOW_S = 1_000.0
BOTH = frozenset({Scope.TALK, Scope.READ})
KEY = AccessKey("0123456789ab", "phone", "ann", BOTH, "d" * 64, 0.0)
KEYS = {KEY.key_id: KEY}


def claims(**changes: Any) -> TokenClaims:
    ordinary: dict[str, Any] = {
        "audience": "api",
        "key_id": KEY.key_id,
        "key_mark": mark_of(KEY),
        "scopes": (Scope.TALK,),
        "expires_at_s": NOW_S + 60,
        "token_id": "t",
    }
    return TokenClaims(**ordinary | changes)


def test_a_token_is_its_key_narrowed() -> None:
    found = find_token(token_text(claims(), SECRET), "api", SECRET, KEYS, NOW_S)
    assert isinstance(found, tuple)
    assert found == (attrs.evolve(KEY, scopes=frozenset({Scope.TALK}), expires_at_s=NOW_S + 60), claims())


def test_a_token_cannot_do_more_than_its_key() -> None:
    wide = claims(scopes=(Scope.TALK, Scope.OPERATE))
    found = find_token(token_text(wide, SECRET), "api", SECRET, KEYS, NOW_S)
    assert isinstance(found, tuple)
    assert found[0].scopes == {Scope.TALK}


def test_a_token_of_another_server_is_unknown() -> None:
    assert find_token(token_text(claims(), OTHER), "api", SECRET, KEYS, NOW_S) == "unknown_key"


def test_a_token_whose_signed_claims_cannot_be_read_is_unknown() -> None:
    class NewerClaims(TokenClaims, frozen=True, forbid_unknown_fields=True):
        room: str = "kitchen"

    newer = NewerClaims(**msgspec.structs.asdict(claims()))
    assert find_token(token_text(newer, SECRET), "api", SECRET, KEYS, NOW_S) == "unknown_key"


def test_each_changed_character_is_noticed() -> None:
    text = token_text(claims(), SECRET)
    for place in range(len(PREFIX), len(text) - 1):  # the last one has spare bits
        other = "B" if text[place] == "A" else "A"
        changed = text[:place] + other + text[place + 1 :]
        assert find_token(changed, "api", SECRET, KEYS, NOW_S) == "unknown_key", place


@pytest.mark.parametrize(
    "text", ["", PREFIX, f"{PREFIX}.", f"{PREFIX}e30.", "sayso-token", f"{PREFIX}{'a' * 500}.x", f"{PREFIX}\ud800.\x00"]
)
def test_what_is_no_token_is_unknown(text: str) -> None:
    assert find_token(text, "api", SECRET, KEYS, NOW_S) == "unknown_key"


def test_a_token_is_good_for_its_audience_only() -> None:
    both: tuple[tuple[Audience, Audience], ...] = (("api", "page"), ("page", "api"))
    for made, shown in both:
        text = token_text(claims(audience=made), SECRET)
        assert find_token(text, shown, SECRET, KEYS, NOW_S) == "unknown_key"
        assert isinstance(find_token(text, made, SECRET, KEYS, NOW_S), tuple)


def test_a_token_ends_at_its_time_and_with_its_key() -> None:
    text = token_text(claims(), SECRET)
    assert find_token(text, "api", SECRET, KEYS, NOW_S + 60) == "expired_key"
    assert find_token(text, "api", SECRET, {}, NOW_S) == "unknown_key"
    rotated = attrs.evolve(KEY, digest="e" * 64)
    assert find_token(text, "api", SECRET, {KEY.key_id: rotated}, NOW_S) == "unknown_key"
    over = attrs.evolve(KEY, expires_at_s=NOW_S)
    assert find_token(text, "api", SECRET, {KEY.key_id: over}, NOW_S) == "expired_key"


def test_one_use_is_the_first_only() -> None:
    used = UsedTokens()
    assert used.use(claims(), NOW_S)
    assert not used.use(claims(), NOW_S)
    assert used.use(claims(token_id="other"), NOW_S)


def test_used_tokens_take_bounded_memory_and_one_too_many_is_refused() -> None:
    used = UsedTokens(limit=3)
    assert [used.use(claims(token_id=str(number)), NOW_S) for number in range(5)] == [True] * 3 + [False] * 2
    assert used.use(claims(token_id="later", expires_at_s=NOW_S + 120), NOW_S + 60), "the others have expired"
    assert len(used) == 1


def test_a_clock_that_goes_back_makes_no_used_token_good_again() -> None:
    used = UsedTokens(limit=1)
    assert used.use(claims(token_id="a"), NOW_S)
    assert used.use(claims(token_id="b", expires_at_s=NOW_S + 120), NOW_S + 60)
    assert not used.use(claims(token_id="a"), NOW_S)
