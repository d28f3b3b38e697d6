import pytest

from protocol.admission.loaded_models import Held, ModelPolicy, expected_bytes, expired, to_unload

MB = 1 << 20
POLICY = ModelPolicy(unload_after_s=60.0, budget_bytes=1_000 * MB)


def held(name: str, last_used_s: float, mb: int, *, is_busy: bool = False, is_pinned: bool = False) -> Held:
    return Held(name=name, last_used_s=last_used_s, memory_bytes=mb * MB, is_busy=is_busy, is_pinned=is_pinned)


def test_a_long_unused_model_goes_unless_it_is_pinned_or_busy() -> None:
    models = [
        held("usual", 0.0, 200, is_pinned=True),
        held("old", 30.0, 300),
        held("busy", 30.0, 300, is_busy=True),
        held("new", 50.0, 300),
    ]
    assert expired(models, POLICY, now_s=90.0) == ("old",)
    assert expired(models, ModelPolicy(unload_after_s=0, budget_bytes=0), now_s=1e9) == ()


def test_room_is_made_by_those_not_used_for_longest() -> None:
    models = [held("usual", 0.0, 200, is_pinned=True), held("b", 20.0, 300), held("a", 10.0, 300)]
    assert to_unload(models, POLICY, 200 * MB) == ()
    assert to_unload(models, POLICY, 300 * MB) == ("a",)
    assert to_unload(models, POLICY, 600 * MB) == ("a", "b")


def test_where_those_in_use_take_too_much_there_is_no_room() -> None:
    models = [held("usual", 0.0, 200, is_pinned=True), held("b", 20.0, 700, is_busy=True)]
    assert to_unload(models, POLICY, 300 * MB) is None


def test_without_a_budget_no_model_has_to_go() -> None:
    unbounded = ModelPolicy(unload_after_s=60.0, budget_bytes=0)
    assert to_unload([held("a", 0.0, 9_000)], unbounded, 9_000 * MB) == ()


@pytest.mark.parametrize(("name", "workers", "mb"), [("base", 1, 300), ("base", 2, 600), ("/srv/mine", 2, 0)])
def test_what_a_model_needs_is_guessed_by_its_name(name: str, workers: int, mb: int) -> None:
    assert expected_bytes(name, workers) == mb * MB
