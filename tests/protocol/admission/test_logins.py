from protocol.admission.logins import ADDRESSES_MAX, RefusedLogins, scope_refusal
from protocol.messages.identity import Scope


def test_a_missing_key_is_asked_for_and_counts_for_nothing() -> None:
    refused = RefusedLogins()
    for _ in range(1_000):
        told = refused.refuse("no_key", "192.0.2.1", 0.0)
        assert (told.status, told.cause, told.challenge) == (401, "no_key", 'Bearer realm="sayso"')


def test_wrong_keys_of_an_address_are_told_to_wait_after_ten() -> None:
    refused = RefusedLogins()
    statuses = [refused.refuse("unknown_key", "192.0.2.1", 0.0).status for _ in range(10_000)]
    assert statuses == [401] * 10 + [429] * 9_990
    told = refused.refuse("expired_key", "192.0.2.1", 0.0)
    assert (told.cause, told.retry_after_s) == ("logins", 6.0)
    assert refused.refuse("unknown_key", "192.0.2.2", 0.0).status == 401, "another address is not harmed"
    assert refused.refuse("unknown_key", "192.0.2.1", 6.0).status == 401
    assert refused.refuse("unknown_key", "192.0.2.1", 6.0).status == 429


def test_many_addresses_take_bounded_memory() -> None:
    refused = RefusedLogins()
    for number in range(2 * ADDRESSES_MAX):
        refused.refuse("unknown_key", f"address {number}", 0.0)
    assert len(refused._table) == ADDRESSES_MAX


def test_a_wrong_scope_is_named() -> None:
    told = scope_refusal(frozenset({Scope.READ, Scope.TALK}))
    assert (told.status, told.cause, told.reason) == (403, "scope", "this needs a key for talk or read")
    assert told.challenge == 'Bearer realm="sayso", error="insufficient_scope", scope="talk read"'
