"""What a session keeps of its client."""

import attrs

from protocol.dialects.client_memory import MAX_EVENTS, ClientMemory, ClientMemoryStatistics, SentEvents
from protocol.dialects.dialect import ClientLink, OpeningRequest
from protocol.messages.events import Pong
from protocol.messages.identity import LOCAL_USER
from tests.fake_sessions import native
from tests.fakes import FakeSocket
from tests.protocol.dialects.line_dialect import LineDialect


def memory() -> ClientMemory:
    kept = ClientMemory("s1", "t1")
    kept.attach(native())
    return kept


def numbers(kept: ClientMemory, after: int = 0) -> list[int]:
    """Return the numbers of the events that are kept, each of which has its number in it."""
    found = kept.sent.after(after)
    assert all(event == Pong(seq) for seq, event in found)
    return [seq for seq, _ in found]


def test_event_numbers_begin_at_one_and_never_repeat() -> None:
    sent = SentEvents()
    assert [sent.next_seq() for _ in range(3)] == [1, 2, 3]


def test_a_client_that_comes_back_gets_what_it_has_not_seen() -> None:
    kept = memory()
    for seq in range(1, 6):
        kept.keep_event(seq, Pong(seq), 0.0)
    assert numbers(kept, after=3) == [4, 5]
    assert numbers(kept, after=5) == []
    assert len(numbers(kept, after=-10)) == 5


def test_a_client_whose_dialect_cannot_resume_has_nothing_kept_for_it() -> None:
    kept = ClientMemory("s1", "t1")
    kept.attach(ClientLink(FakeSocket(), LineDialect(OpeningRequest())))
    kept.keep_event(1, Pong(1), 0.0)
    assert numbers(kept) == []


def test_only_the_last_events_are_kept() -> None:
    kept = memory()
    for seq in range(1, MAX_EVENTS + 11):
        kept.keep_event(seq, Pong(seq), 0.0)
    assert numbers(kept) == list(range(11, MAX_EVENTS + 11))


def test_events_that_a_connected_client_cannot_have_missed_are_forgotten() -> None:
    kept = memory()
    for seq in range(1, 100):
        kept.keep_event(seq, Pong(seq), 5.0 * seq)
    assert numbers(kept) == list(range(75, 100)), "two minutes of them"
    kept.detach()
    for seq in range(100, 200):
        kept.keep_event(seq, Pong(seq), 5.0 * seq)
    assert len(numbers(kept, after=99)) == 100, "a lost client has missed these"


def test_the_token_before_the_newest_is_valid_until_the_newest_is_used() -> None:
    kept = memory()
    assert list(kept.valid_tokens) == ["t1"]
    kept.use_token("t1", lambda: "t2")
    assert list(kept.valid_tokens) == ["t2", "t1"]
    kept.use_token("t1", lambda: "t3")
    assert list(kept.valid_tokens) == ["t2", "t1"], "its client has not got the newest, and is told it again"
    kept.use_token("t2", lambda: "t3")
    assert list(kept.valid_tokens) == ["t3", "t2"]


def test_a_client_that_is_cut_off_is_the_same_tenants_until_it_is_at_another_socket() -> None:
    kept = ClientMemory("s1", "t1")
    assert kept.tenant == ""
    kept.attach(native(FakeSocket("192.0.2.1:5000")))
    kept.detach()
    assert kept.tenant == "192.0.2.1"
    kept.attach(native(FakeSocket("192.0.2.2:5000")))
    assert kept.tenant == "192.0.2.2"


def test_each_socket_after_the_first_is_a_reconnect() -> None:
    kept = memory()
    assert kept.reconnects == 0
    kept.detach()
    kept.attach(native())
    kept.attach(native())
    assert kept.reconnects == 2


def test_a_client_is_the_local_user_unless_its_socket_speaks_for_another() -> None:
    kept = ClientMemory("s1", "t1")
    assert kept.user == LOCAL_USER
    socket = FakeSocket("192.0.2.1:5000")
    socket.identity = attrs.evolve(socket.identity, user="ann")
    kept.attach(native(socket))
    kept.detach()
    assert kept.user == "ann", "it may come back"


def test_statistics_show_how_much_is_kept() -> None:
    kept = memory()
    kept.keep_event(kept.sent.next_seq(), Pong(), 0.0)
    assert kept.statistics() == ClientMemoryStatistics(session_id="s1", events=1, last_seq=1)
