import pytest

from protocol.messages.event_values import MAX_TERM_CHARS, MAX_VOCABULARY
from protocol.messages.events import ConnectionRequest, SessionUpdate


@pytest.mark.parametrize("terms", [("a",) * (MAX_VOCABULARY + 1), ("a" * (MAX_TERM_CHARS + 1),)])
def test_a_vocabulary_is_bounded_in_its_number_and_length(terms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be at most 64 terms of at most 100 characters"):
        ConnectionRequest("c", ("stt",), vocabulary=terms)
    with pytest.raises(ValueError, match="must be at most 64 terms"):
        SessionUpdate(vocabulary=terms)


def test_an_update_need_not_name_a_vocabulary() -> None:
    assert SessionUpdate().vocabulary is None
    assert SessionUpdate(vocabulary=()).vocabulary == ()
