import collections.abc
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest

from protocol.messages import inboxes
from protocol.messages.ask import Ask
from protocol.turns.session_memory import VaultMessage

UNIONS = {name: union for name, union in vars(inboxes).items() if name.endswith("Message")}


def messages() -> list[type]:
    """Return every message that an actor takes."""
    taken = {message for union in UNIONS.values() for message in (get_args(union) or (union,))}
    return sorted({*taken, *get_args(VaultMessage)}, key=lambda message: message.__name__)


def parts_of(hint: Any) -> Iterator[Any]:
    """Yield what a type hint is made of, the fields of records included."""
    yield hint
    for part in get_args(hint):
        yield from parts_of(part)
    if isinstance(hint, type) and attrs.has(hint):
        for field_hint in get_type_hints(hint).values():
            yield from parts_of(field_hint)


def has_callable(hint: Any) -> bool:
    return any(part is Callable or get_origin(part) is collections.abc.Callable for part in parts_of(hint))


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.__name__)
def test_no_message_carries_code_that_another_actor_would_run(message: type) -> None:
    assert [name for name, hint in get_type_hints(message).items() if has_callable(hint)] == []


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.__name__)
def test_messages_are_frozen_and_what_asks_costs_no_memory(message: type) -> None:
    assert attrs.has(message)
    assert message.__setattr__ is not object.__setattr__, "frozen"
    assert "__dict__" not in dir(message)


def test_a_callable_is_seen_wherever_it_is() -> None:
    @attrs.frozen
    class Inner:
        f: tuple[Callable[[int], None] | None, ...]

    assert has_callable(list[Inner])
    assert has_callable(Callable[..., int] | None)
    assert not has_callable(dict[str, int] | None)


def test_what_can_be_asked_has_an_answer() -> None:
    asked = [message for message in messages() if issubclass(message, Ask)]
    assert len(asked) >= 12
    for message in asked:
        [base] = [base for base in message.__orig_bases__ if get_origin(base) is Ask]  # type: ignore[attr-defined]
        assert get_args(base), f"{message.__name__} does not say what it is answered with"
