from typing import Any

import pytest

from runtime.messaging.envelope import Envelope
from runtime.messaging.errors import MessageTooLarge
from runtime.messaging.lane import DataLane, MailboxSpec, Overflow


def lane(*messages: object, **spec: Any) -> DataLane:
    made = DataLane("test", MailboxSpec(**spec))
    for message in messages:
        made.append(Envelope(message, 0.0))
    return made


def test_messages_come_out_as_they_went_in_and_the_returned_first() -> None:
    made = lane("b", "c")
    assert made.push_front(Envelope("a", 0.0))
    assert [made.pop().message for _ in range(len(made))] == ["a", "b", "c"]


def test_a_removed_message_leaves_no_trace() -> None:
    made = lane("a", max_bytes=10, size_of=len)
    envelope = Envelope("bb", 0.0)
    made.measure(envelope)
    made.append(envelope)
    assert made.size_bytes == 2
    assert made.remove(envelope)
    assert not made.remove(envelope)
    assert (len(made), made.size_bytes) == (1, 0)


def test_a_replacement_that_breaks_the_byte_bound_is_refused() -> None:
    made = lane(max_bytes=10, size_of=len, overflow=Overflow.COALESCE, key=lambda m: m[:1])
    for text, replaced in (("a12", None), ("b1234", None), ("a1234567", None), ("a1", "a12")):
        envelope = Envelope(text, 0.0)
        made.measure(envelope)
        old = made.replace(envelope)
        assert (old.message if old else None) == replaced
        if old is None and made.has_room_for(envelope):
            made.append(envelope)
    assert [envelope.message for envelope in made] == ["a1", "b1234"]
    assert made.size_bytes == 7


def test_the_size_is_checked_before_anything_else() -> None:
    with pytest.raises(MessageTooLarge, match="3 bytes for test, at most 2"):
        lane(max_bytes=2, size_of=len).measure(Envelope("abc", 0.0))
