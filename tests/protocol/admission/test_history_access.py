"""Whose history a request may see."""

import pytest

from protocol.admission.history_access import NotTheirs, visible_user
from protocol.messages.identity import LOCAL_USER, Grant, Identity, RequestSource, Scope


def holder(*scopes: Scope) -> Identity:
    """Return a request of anna's with a key."""
    return Identity("192.0.2.1:5000", "anna", user="anna", grant=Grant("k", frozenset(scopes)))


def without_key(source: RequestSource) -> Identity:
    return Identity("127.0.0.1:5000", "loopback", source)


@pytest.mark.parametrize("wanted", [None, "anna"])
def test_a_key_for_reading_shows_its_own_user(wanted: str | None) -> None:
    assert visible_user(holder(Scope.READ), wanted) == "anna"


@pytest.mark.parametrize("wanted", ["bob", "", "Anna"])
def test_a_key_for_reading_shows_no_other_user(wanted: str) -> None:
    with pytest.raises(NotTheirs, match="the history of other users needs a key with the scope operate"):
        visible_user(holder(Scope.READ, Scope.TALK), wanted)


@pytest.mark.parametrize("wanted", [None, "anna", "bob", ""])
def test_an_operator_sees_everybodys(wanted: str | None) -> None:
    assert visible_user(holder(Scope.READ, Scope.OPERATE), wanted) == wanted
    assert visible_user(without_key(RequestSource.THIS_MACHINE), wanted) == wanted


@pytest.mark.parametrize("source", [RequestSource.ELSEWHERE, RequestSource.PROXY, RequestSource.WEB_PAGE])
def test_without_keys_there_is_one_user_for_those_who_are_no_program_of_this_machine(source: RequestSource) -> None:
    assert visible_user(without_key(source), None) == LOCAL_USER
    with pytest.raises(NotTheirs):
        visible_user(without_key(source), "anna")
