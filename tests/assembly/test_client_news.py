import gc
import weakref

from actors.connection.directory import SessionDirectory
from assembly.client_news import ClientNews
from protocol.messages.events import Degraded, Recovered
from protocol.messages.session import Send
from runtime import MailboxSpec, Overflow, Ref

DOWN, UP = Degraded("tools.home", "no answer"), Recovered("tools.home", "it works again")


def connection(name: str) -> Ref:
    return Ref(name, MailboxSpec(capacity=8, overflow=Overflow.REJECT))


def got(ref: Ref) -> list[object]:
    """Return what was sent to a connection."""
    found = []
    while (envelope := ref.mailbox.take_nowait()) is not None:
        found.append(envelope.message)
    return found


async def test_a_trouble_is_told_to_every_session_once_and_its_end_to_those_who_know_it() -> None:
    directory = SessionDirectory()
    first, second, late = connection("first"), connection("second"), connection("late")
    for key, ref in (("a", first), ("b", first), ("c", second)):  # a session has two tokens for a while
        directory.resumable.register(key, ref)
    news = ClientNews(directory)
    news.tell(DOWN)
    directory.resumable.register("d", late)
    news.tell(UP)
    assert got(first) == got(second) == [Send(DOWN), Send(UP)]
    assert got(late) == []
    news.tell(UP)
    assert got(first) == []


async def test_a_session_that_has_ended_is_forgotten() -> None:
    directory = SessionDirectory()
    ended = connection("ended")
    directory.resumable.register("a", ended)
    news = ClientNews(directory)
    news.tell(DOWN)
    directory.resumable.unregister("a", ended)
    seen = weakref.ref(ended)
    del ended
    gc.collect()
    assert seen() is None
    news.tell(UP)
