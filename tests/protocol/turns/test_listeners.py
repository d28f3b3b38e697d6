from itertools import pairwise

from protocol.turns.listeners import Listeners


def test_a_user_is_told_by_the_session_that_asked_or_the_newest() -> None:
    listeners = Listeners()
    for session_id, user in (("kitchen", "ada"), ("office", "ada"), ("phone", "bob")):
        listeners.enter(session_id, user)
    assert listeners.session_for("ada", "kitchen") == "kitchen"
    assert listeners.session_for("ada", "gone") == "office"
    assert listeners.session_for("ada", "phone") == "office", "which is bob's"
    assert listeners.session_for("eve", "kitchen") is None
    listeners.enter("kitchen", "ada")
    assert listeners.session_for("ada", "gone") == "kitchen", "it has come back"


def test_a_session_that_left_is_no_listener() -> None:
    listeners = Listeners()
    listeners.enter("kitchen", "ada")
    listeners.leave("kitchen")
    listeners.leave("kitchen")
    assert listeners.session_for("ada", "kitchen") is None
    assert (listeners.has("kitchen"), listeners.sessions()) == (False, {})


def test_every_change_has_another_version() -> None:
    listeners = Listeners()
    seen = [listeners.version]
    for change in (
        lambda: listeners.enter("kitchen", "ada"),
        lambda: listeners.enter("kitchen", "ada"),
        lambda: listeners.enter("kitchen", "bob"),
        lambda: listeners.leave("kitchen"),
        lambda: listeners.leave("kitchen"),
    ):
        change()
        seen.append(listeners.version)
    assert [after != before for before, after in pairwise(seen)] == [True, False, True, True, False]
