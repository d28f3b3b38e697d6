"""What every store of the history does: the same for each database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from backends.protocols import Store
from backends.storage.queries import number_of
from backends.storage.sqlite import SqliteStore
from protocol.messages.history import ConversationQuery, Deletion, Position, Record, TurnQuery, position_of
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN, found, turn
from tests.fakes import default_settings

NASTY = (
    "'; DROP TABLE sessions; --",
    '"',
    "../../etc/passwd",
    "%s ? $1 :name",
    "a\nb\r\t\x07\x1b[2J",
    "\u202eabc",
    "ß🦏",
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.system)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open store with nothing in it."""
    history = default_settings().history
    if request.param == "sqlite":
        made: Store = SqliteStore(attrs.evolve(history.sqlite, path=tmp_path / "history.db"))
    else:
        from backends.storage.postgres import PostgresStore

        url = await trio.to_thread.run_sync(request.getfixturevalue("postgres").make_database)
        made = PostgresStore(attrs.evolve(history, url=url))
    await made.open()
    try:
        yield made
    finally:
        with trio.CancelScope(shield=True):
            await made.close()


async def conversations(store: Store, **wanted: Any) -> list[str]:
    return [kept.session_id for kept in await store.conversations(ConversationQuery(**wanted))]


async def delete_all(store: Store, what: Deletion, limit: int = 100) -> list[int]:
    """Delete step by step; return how many each step has deleted."""
    counts = [await store.delete(what, limit)]
    while counts[-1]:
        counts.append(await store.delete(what, limit))
    return counts


# --- writing and reading -------------------------------------------------------------------------


async def test_a_turn_is_kept_with_its_calls_as_it_was(store: Store) -> None:
    other = attrs.evolve(CALL, call_id="c0", ok=False, timestamp=1_001.2)
    await store.write([SESSION, TURN, CALL, other, attrs.evolve(CALL, session_id="s2")])
    (kept,) = await store.turns(TurnQuery())
    assert (kept.record, kept.calls) == (TURN, (other, CALL))


async def test_the_newest_turns_come_first_and_a_page_goes_on_where_the_one_before_ended(store: Store) -> None:
    await store.write([turn(2), turn(3), turn(1), turn(4, timestamp=1_003.0), turn(5, timestamp=1_003.0)])
    pages: list[list[str]] = []
    after = None
    while page := await store.turns(TurnQuery(limit=2, after=after)):
        pages.append([kept.record.turn_id for kept in page])
        after = position_of(str(page[-1].position))
    assert pages == [["t5", "t4"], ["t3", "t2"], ["t1"]]
    assert await found(store, after=Position(1_003.0, "nonsense")) == ["t2", "t1"]
    assert await found(store, limit=0) == await found(store, limit=-1) == []


async def test_new_turns_do_not_move_the_next_page(store: Store) -> None:
    await store.write([turn(1), turn(2), turn(3)])
    (newest,) = await store.turns(TurnQuery(limit=1))
    await store.write([turn(4)])
    assert await found(store, after=newest.position) == ["t2", "t1"]


async def test_a_user_and_a_session_have_their_own_turns(store: Store) -> None:
    await store.write([turn(1), turn(2, user_id="bob", session_id="s2"), turn(3, session_id="s3")])
    assert await found(store, user_id="anna") == ["t3", "t1"]
    assert await found(store, session_id="s2") == ["t2"]
    assert await found(store, user_id="anna", session_id="s2") == []
    assert await found(store, user_id="ann") == await found(store, user_id="ANNA") == []


async def test_writing_a_batch_again_changes_nothing(store: Store) -> None:
    await store.write([SESSION, TURN, CALL])
    await store.write([SESSION, TURN, attrs.evolve(CALL, result="tampered"), turn(2)])
    newest, first = await store.turns(TurnQuery())
    assert (newest.record, first.record, first.calls) == (turn(2), TURN, (CALL,))


async def test_nothing_to_write_is_no_error(store: Store) -> None:
    await store.write([])
    assert await store.turns(TurnQuery()) == ()
    assert await conversations(store) == []


@pytest.mark.parametrize("text", NASTY)
async def test_whatever_stands_in_a_field_is_data(store: Store, text: str) -> None:
    record = attrs.evolve(TURN, session_id=text, turn_id=text, user_id=text, heard=text, replied=text, source=text)
    call = attrs.evolve(
        CALL,
        session_id=text,
        turn_id=text,
        call_id=text,
        server=text,
        tool=text,
        arguments={text: [text, {text: None}]},
        result=text,
        transcript=text,
        user_id=text,
    )
    session = attrs.evolve(SESSION, session_id=text, user_id=text, client_id=text)
    await store.write([session, record, call, turn(2)])
    (kept,) = await store.turns(TurnQuery(user_id=text, session_id=text))
    assert (kept.record, kept.calls) == (record, (call,))
    assert await conversations(store, user_id=text) == [text]
    assert isinstance(await store.turns(TurnQuery(words=text)), tuple)
    await delete_all(store, Deletion(user_id=text, session_id=text))
    assert await found(store) == ["t2"]


async def test_what_no_database_can_hold_is_replaced_and_found(store: Store) -> None:
    await store.write([turn(1, session_id="a\0b", heard="half \ud800 sign")])
    (kept,) = await store.turns(TurnQuery(session_id="a\0b", words="half"))
    assert (kept.record.session_id, kept.record.heard) == ("a\ufffdb", "half ? sign")


# --- words ---------------------------------------------------------------------------------------


async def test_words_are_found_in_what_was_heard_and_replied(store: Store) -> None:
    await store.write(
        [
            turn(1),
            turn(2, heard="what time is it", replied="It is noon."),
            turn(3, heard="", replied=""),
            turn(4, user_id="bob"),
            turn(5, heard="Licht in der Küche an"),
        ]
    )
    assert await found(store, words="kitchen light") == ["t4", "t1"]
    assert await found(store, words="KITCHEN", user_id="anna") == ["t1"]
    assert await found(store, words="noon") == ["t2"]
    assert await found(store, words="küche") == ["t5"]
    assert await found(store, words="kitchen noon") == []
    assert await found(store, words="kitch") == []


@pytest.mark.parametrize(
    "words", [" ", '"', "a OR", "NEAR(", "*", "heard:", "-", "a & ! b", "'; DROP TABLE sessions; --", "a\0b", "\ud800"]
)
async def test_any_words_may_be_looked_for(store: Store, words: str) -> None:
    await store.write([TURN])
    assert await found(store, words=words) == []
    assert await found(store) == ["t1"]


async def test_a_very_long_text_is_kept_and_found_by_its_beginning(store: Store) -> None:
    text = "rhinoceros " + "abcdefghi " * 200_000
    await store.write([turn(1, heard=text, replied=text)])
    (kept,) = await store.turns(TurnQuery(words="rhinoceros"))
    assert kept.record.heard == text


# --- conversations -------------------------------------------------------------------------------


async def test_conversations_are_listed_with_their_first_words_the_newest_first(store: Store) -> None:
    await store.write(
        [
            SESSION,
            turn(2, heard="and off"),
            turn(1),
            attrs.evolve(SESSION, session_id="s2", user_id="bob", started_at=1_100.0),
            turn(9, session_id="s2", user_id="bob", heard="hello"),
            attrs.evolve(SESSION, session_id="s3", started_at=1_200.0),
        ]
    )
    assert await conversations(store) == ["s2", "s1"], "one without turns is none"
    (kept,) = await store.conversations(ConversationQuery(user_id="anna"))
    assert attrs.asdict(kept) == {
        "session_id": "s1",
        "user_id": "anna",
        "client_id": "phone",
        "started_at": 1_000.0,
        "last_at": 1_002.0,
        "turns": 2,
        "first_heard": "Turn on the kitchen light",
    }
    (newest,) = await store.conversations(ConversationQuery(limit=1))
    assert await conversations(store, after=position_of(str(newest.position))) == ["s1"]


# --- deleting ------------------------------------------------------------------------------------


async def test_what_is_too_old_is_deleted_in_steps_and_no_longer_found(store: Store) -> None:
    calls = [attrs.evolve(CALL, call_id=f"c{number}", timestamp=1_000.0 + number) for number in range(5)]
    await store.write([SESSION, attrs.evolve(SESSION, session_id="s0"), *map(turn, range(5)), *calls])
    assert await delete_all(store, Deletion(before_s=1_003.0), 2) == [5, 2, 0], "with the session that has no turn"
    assert await found(store) == ["t4", "t3"]
    assert await found(store, words="kitchen") == ["t4", "t3"]
    assert await delete_all(store, Deletion(before_s=2_000.0)) == [5, 0]
    assert await conversations(store) == []


async def test_a_conversation_is_deleted_with_its_calls_and_no_other(store: Store) -> None:
    other = attrs.evolve(SESSION, session_id="s2")
    others: list[Record] = [other, turn(1, session_id="s2"), attrs.evolve(CALL, session_id="s2")]
    await store.write([SESSION, TURN, CALL, *others])
    assert await delete_all(store, Deletion(session_id="s1")) == [3, 0]
    assert await conversations(store) == ["s2"]
    (kept,) = await store.turns(TurnQuery())
    assert [call.session_id for call in kept.calls] == ["s2"]
    assert await delete_all(store, Deletion(session_id="s1")) == [0]


async def test_of_a_user_everything_is_deleted_or_what_is_old(store: Store) -> None:
    await store.write([turn(number, user_id="bob", session_id="s2") for number in (1, 2, 3)])
    await store.write([SESSION, TURN, CALL, attrs.evolve(SESSION, session_id="s2", user_id="bob")])
    assert await delete_all(store, Deletion(user_id="bob", before_s=1_002.0)) == [1, 0]
    assert await found(store, user_id="bob") == ["t3", "t2"]
    assert await delete_all(store, Deletion(user_id="bob")) == [3, 0]
    assert (await found(store), await conversations(store)) == (["t1"], ["s1"])


async def test_a_call_whose_turn_was_never_written_is_deleted_too(store: Store) -> None:
    await store.write([attrs.evolve(CALL, turn_id="cut"), attrs.evolve(CALL, call_id="c2", user_id="bob")])
    assert await delete_all(store, Deletion(user_id="anna")) == [1, 0]
    await store.write([TURN])
    (kept,) = await store.turns(TurnQuery())
    assert [call.user_id for call in kept.calls] == ["bob"]


async def test_readers_and_writers_do_not_wait_for_each_other(store: Store) -> None:
    async with trio.open_nursery() as nursery:
        for start in range(0, 100, 20):
            nursery.start_soon(store.write, [turn(start + number) for number in range(20)])
        for _ in range(5):
            assert len(await found(store)) % 20 == 0, "a batch is seen whole or not at all"
    assert len(await found(store)) == 100


@pytest.mark.parametrize(("key", "number"), [("17", 17), ("", 0), ("x", 0), ("-1", 0), ("٣", 0), ("9" * 30, 0)])
def test_a_key_that_is_no_number_stands_before_every_turn(key: str, number: int) -> None:
    assert number_of(key) == number
