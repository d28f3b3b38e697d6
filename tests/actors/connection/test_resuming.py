"""One session's entries among those that a client may come back to."""

from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection.directory import SessionDirectory
from actors.connection.resuming import Resumption
from protocol.admission.population import Population
from protocol.dialects.session import resume_key
from protocol.messages.identity import LOCAL_USER
from protocol.messages.session import GiveUp
from runtime import Ref
from tests.actors.connection.connection_fixtures import context_of


def numbered() -> Iterator[str]:
    number = 1
    while True:
        number += 1
        yield f"t{number}"


def resumption(directory: SessionDirectory, name: str = "s") -> Resumption:
    tokens = numbered()
    return Resumption(context_of(name, directory), Ref("connection"), lambda: next(tokens))


def found_by(one: Resumption) -> list[str]:
    """Return the tokens, of the first few, by which the session is found."""
    tokens = [f"t{number}" for number in range(1, 10)]
    return [token for token in tokens if one.context.directory.resumable.lookup(resume_key(token)) is one.connection]


@pytest.fixture
async def one(nursery: trio.Nursery) -> Resumption:
    one = resumption(SessionDirectory())
    nursery.start_soon(one.stay_registered)
    await wait_all_tasks_blocked()
    return one


async def test_a_session_is_found_by_its_first_token(one: Resumption) -> None:
    assert found_by(one) == ["t1"]


async def test_a_token_stays_valid_until_the_next_one_is_used(one: Resumption) -> None:
    assert one.take_back("t1", LOCAL_USER)
    assert found_by(one) == ["t1", "t2"], "the client may never get the answer with the second"
    assert one.take_back("t2", LOCAL_USER)
    assert found_by(one) == ["t2", "t3"]


async def test_a_client_that_has_not_got_its_new_token_is_told_the_same_one_again(one: Resumption) -> None:
    for _ in range(5):
        assert one.take_back("t1", LOCAL_USER)
        assert one.context.memory.resume_token == "t2"
        assert found_by(one) == ["t1", "t2"]
    assert len(one.context.directory.resumable) == 2


async def test_another_user_with_the_right_token_does_not_get_the_session(one: Resumption) -> None:
    assert not one.take_back("t1", "mallory")
    assert one.take_back("t1", LOCAL_USER), "and its own user still does"


@pytest.mark.parametrize("token", ["t1", "t4", ""])
async def test_a_token_that_is_not_valid_any_more_changes_nothing(one: Resumption, token: str) -> None:
    one.take_back("t1", LOCAL_USER)
    one.take_back("t2", LOCAL_USER)
    assert not one.take_back(token, LOCAL_USER)
    assert found_by(one) == ["t2", "t3"]


async def test_a_session_that_has_ended_is_found_by_none_of_its_tokens(nursery: trio.Nursery) -> None:
    one = resumption(SessionDirectory())
    async with trio.open_nursery() as own:
        own.start_soon(one.stay_registered)
        await wait_all_tasks_blocked()
        one.take_back("t1", LOCAL_USER)
        one.lose_client()
        own.cancel_scope.cancel()
    assert len(one.context.directory.resumable) == len(one.context.directory.awaited) == 0


async def test_a_connection_that_crashed_is_found_by_both_tokens_again(nursery: trio.Nursery) -> None:
    one = resumption(SessionDirectory())
    for _ in range(2):
        async with trio.open_nursery() as own:
            own.start_soon(one.stay_registered)
            await wait_all_tasks_blocked()
            if found_by(one) == ["t1"]:
                one.take_back("t1", LOCAL_USER)
            assert found_by(one) == ["t1", "t2"]
            own.cancel_scope.cancel()


async def test_a_client_that_comes_back_within_the_window_is_awaited_no_more(
    one: Resumption, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    one.lose_client()
    assert one.context.directory.awaited.names() == ("s",)

    async def come_back() -> None:
        await trio.sleep(29.0)
        one.take_back("t1", LOCAL_USER)

    nursery.start_soon(come_back)
    assert await one.wait_for_client(30.0) is None
    assert one.context.directory.awaited.names() == ()


async def test_a_client_that_does_not_come_back_is_given_up_after_the_window(
    one: Resumption, autojump_clock: MockClock
) -> None:
    one.lose_client()
    assert await one.wait_for_client(30.0) == "window"
    assert trio.current_time() == 30.0


async def test_a_session_whose_place_is_needed_does_not_wait_for_its_client(
    one: Resumption, autojump_clock: MockClock
) -> None:
    one.lose_client()
    one.give_up()
    assert await one.wait_for_client(30.0) == "room"


async def test_a_client_that_is_there_or_just_back_is_not_given_up(one: Resumption, autojump_clock: MockClock) -> None:
    one.give_up()
    one.lose_client()
    one.give_up()
    one.take_back("t1", LOCAL_USER)
    assert await one.wait_for_client(30.0) is None
    assert len(one.context.directory.population) == 1


async def test_a_newcomer_ends_a_session_that_waits_where_there_are_too_many(nursery: trio.Nursery) -> None:
    directory = SessionDirectory(population=Population(2))
    first, second, third = (resumption(directory, name) for name in ("first", "second", "third"))
    for one in (first, second):
        nursery.start_soon(one.stay_registered)
        one.enter()
        one.lose_client()
    third.enter()
    envelope = first.connection.mailbox.take_nowait()
    assert envelope is not None
    assert envelope.message == GiveUp()
    assert second.connection.mailbox.take_nowait() is None
    assert len(directory.population) == 2


async def test_a_client_that_comes_back_before_anybody_waits_is_not_missed(
    one: Resumption, autojump_clock: MockClock
) -> None:
    one.lose_client()
    one.take_back("t1", LOCAL_USER)
    assert await one.wait_for_client(30.0) is None
