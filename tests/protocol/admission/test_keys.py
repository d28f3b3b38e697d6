from collections.abc import Sequence

import attrs
import pytest

from protocol.admission.keys import (
    KEYS_MAX,
    AccessKey,
    KeyOrder,
    KeyRefused,
    digest_of,
    duration_s,
    find_key,
    identified,
    is_still_good,
    key_text,
    may_resume,
    named,
    with_new_key,
    with_new_secret,
    without_key,
)
from protocol.messages.identity import Identity, Scope

NOW_S = 1_000.0
TALK = frozenset({Scope.TALK})


class Random:
    """Bytes that are never the same twice."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")


def order(name: str = "phone", user: str = "ann", lasts_s: float | None = None) -> KeyOrder:
    return KeyOrder(name=name, user=user, scopes=TALK, lasts_s=lasts_s)


def one_key(lasts_s: float | None = None) -> tuple[AccessKey, str]:
    (key,), text = with_new_key((), order(lasts_s=lasts_s), NOW_S, Random())
    return key, text


def by_id(*keys: AccessKey) -> dict[str, AccessKey]:
    return {key.key_id: key for key in keys}


def test_a_key_is_found_by_its_text_and_only_its_digest_is_kept() -> None:
    key, text = one_key()
    assert find_key(text, by_id(key), NOW_S) is key
    assert key.digest == digest_of(text)
    assert text.rpartition("_")[2] not in repr(key)
    assert key.digest not in repr(key) + repr(key.grant)


def test_a_request_without_a_key_is_told_apart_from_one_with_a_wrong_key() -> None:
    key, text = one_key()
    assert find_key(None, by_id(key), NOW_S) == "no_key"
    assert find_key("", by_id(key), NOW_S) == "unknown_key"
    assert find_key(text, {}, NOW_S) == "unknown_key"


@pytest.mark.parametrize(
    "text",
    [
        "password",
        "sayso_000000000001_" + "A" * 43,
        "sayso_000000000001_" + "A" * 42,
        "SAYSO_000000000001_" + "A" * 43,
        "sayso_000000000001_" + "A" * 43 + "\n",
        "sayso_../../../../_" + "A" * 43,
        "sayso_000000000001_' OR 1=1 --",
        "\x00" * 50,
        "\ud800",
        "k" * 100_000,
    ],
)
def test_what_is_not_the_key_is_unknown(text: str) -> None:
    key, _ = one_key()
    assert key.key_id == "000000000001"
    assert find_key(text, by_id(key), NOW_S) == "unknown_key"


def test_each_changed_character_makes_another_key() -> None:
    key, text = one_key()
    for place in range(len(text)):
        other = "B" if text[place] == "A" else "A"
        assert find_key(text[:place] + other + text[place + 1 :], by_id(key), NOW_S) == "unknown_key"


def test_a_key_expires_at_its_time_and_not_before() -> None:
    key, text = one_key(lasts_s=60.0)
    assert find_key(text, by_id(key), NOW_S + 59.9) is key
    assert find_key(text, by_id(key), NOW_S + 60.0) == "expired_key"
    assert find_key(text, by_id(key), NOW_S - 1e9) is key, "a clock that went back"


def test_a_grant_is_good_until_its_key_is_revoked_replaced_or_over() -> None:
    key, _ = one_key(lasts_s=60.0)
    assert is_still_good(key.grant, by_id(key), NOW_S)
    assert not is_still_good(key.grant, {}, NOW_S)
    assert not is_still_good(key.grant, by_id(key), NOW_S + 60)
    (replaced,), _ = with_new_secret((key,), "phone", NOW_S, bytes)
    assert not is_still_good(key.grant, by_id(replaced), NOW_S)
    narrowed = attrs.evolve(key, scopes=frozenset({Scope.READ}))
    assert not is_still_good(key.grant, by_id(narrowed), NOW_S)


def test_a_sender_gets_the_user_of_its_key_and_that_users_tenant() -> None:
    key, _ = one_key()
    found = identified(Identity("192.0.2.1:5000", "192.0.2.1"), key)
    assert (found.user, found.tenant, found.address) == ("ann", "user ann", "192.0.2.1")
    assert found.grant == key.grant


def test_a_session_belongs_to_its_user() -> None:
    assert may_resume("ann", "ann")
    assert not may_resume("ann", "bob")


def test_names_are_unique_and_keys_bounded() -> None:
    keys: Sequence[AccessKey] = ()
    random = Random()
    for number in range(KEYS_MAX):
        keys, _ = with_new_key(keys, order(f"key {number}"), NOW_S, random)
    with pytest.raises(KeyRefused, match="there are 1000 keys already"):
        with_new_key(keys, order("one more"), NOW_S, random)
    with pytest.raises(KeyRefused, match="there is a key named 'key 7' already"):
        with_new_key(keys, order("key 7"), NOW_S, random)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m", "\u202e", "x" * 65, " padded"])
def test_a_name_must_fit_into_a_line(name: str) -> None:
    with pytest.raises(KeyRefused, match="a key's name must be"):
        with_new_key((), order(name), NOW_S, Random())


@pytest.mark.parametrize("user", ["", "../ann", "ann/bob", "ann\n", "'; DROP TABLE sessions", ".", "ä", "x" * 65])
def test_a_user_must_be_fit_to_name_what_is_stored(user: str) -> None:
    with pytest.raises(KeyRefused, match="a user must be"):
        with_new_key((), order(user=user), NOW_S, Random())


def test_a_key_without_a_scope_is_refused() -> None:
    with pytest.raises(KeyRefused, match="must have a scope"):
        with_new_key((), KeyOrder(name="phone", user="ann", scopes=frozenset()), NOW_S, Random())


def test_an_identifier_is_never_given_twice() -> None:
    keys, _ = with_new_key((), order(), NOW_S, bytes)
    with pytest.raises(KeyRefused, match="is taken"):
        with_new_key(keys, order("other"), NOW_S, bytes)


def test_a_key_is_revoked_by_name_or_identifier() -> None:
    key, _ = one_key()
    assert without_key((key,), "phone") == ((), key)
    assert without_key((key,), key.key_id) == ((), key)
    with pytest.raises(KeyRefused, match="no key named 'laptop', only: 'phone'"):
        named((key,), "laptop")


def test_a_rotated_key_keeps_everything_but_its_secret_and_lasts_as_long_again() -> None:
    key, before = one_key(lasts_s=60.0)
    random = Random()
    random.count = 10
    (changed,), text = with_new_secret((key,), "phone", NOW_S + 30, random)
    assert (changed.key_id, changed.name, changed.scopes, changed.user) == (key.key_id, "phone", TALK, "ann")
    assert find_key(before, by_id(changed), NOW_S + 31) == "unknown_key"
    assert find_key(text, by_id(changed), NOW_S + 89) is changed
    assert find_key(text, by_id(changed), NOW_S + 90) == "expired_key"


@pytest.mark.parametrize(("text", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("30m", 1_800), ("45s", 45)])
def test_durations_have_a_unit(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5h", "1e3d", "9999999d", "1 d", "1d\n"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(KeyRefused, match="a duration must be like 90d"):
        duration_s(text)


def test_a_key_is_a_word_that_secret_scanners_can_find() -> None:
    assert key_text("0123456789ab", "s" * 43) == "sayso_0123456789ab_" + "s" * 43
