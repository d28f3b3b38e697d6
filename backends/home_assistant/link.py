"""The connection to Home Assistant's WebSocket API (``HomeLink``): reads all names, and says when they have changed.

Rules kept here:

* One task uses a link; events that come while it waits for an answer are kept as one mark.
* Every wait has a deadline, and every message a bound; whatever goes wrong is ``HomeLinkLost`` in words.
* ``HomeLinkRefused`` is what trying again does not mend, such as a revoked token: it may wait long.
* The token is in no message and in no log.
"""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Final, Protocol, TypeVar

import trio
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException
from websockets.trio.client import connect

from backends.home_assistant import frames
from backends.home_assistant.frames import Area, BadHomeFrame, Device, EntityState, Entry, Exposed, Floor, HomeFrame
from backends.home_assistant.names import Registries, names_of
from backends.protocols import HomeLink, HomeLinkLost, HomeLinkRefused
from config.settings import HomeAssistantSettings
from protocol.messages.home import HomeNames

PATH: Final = "/api/websocket"
OPEN_WITHIN_S: Final = 10.0  # a small computer that has just started
ANSWER_WITHIN_S: Final = 10.0  # for one command; the slowest took 20 ms for 2,000 entities
PING_S: Final = 20.0  # between pings, and for their answers: a link that hangs is noticed within twice that
MAX_MESSAGE_BYTES: Final = 32 << 20  # the states of 10,000 entities have some 8 MB
ENTRIES_AT_ONCE: Final = 1_000  # entities whose aliases are asked for in one command
NOT_ADMIN: Final = "unauthorized"
UNKNOWN: Final = "unknown_command"
TOO_BIG: Final = 1009  # close code of RFC 6455

log = logging.getLogger("sayso.home_assistant")
# the library logs what it was sent at DEBUG, and the token with it
logging.getLogger("sayso.home_assistant.websocket").setLevel(logging.INFO)

ResultT = TypeVar("ResultT")


class FrameSocket(Protocol):
    """What is used of an open WebSocket."""

    async def send(self, message: str, /) -> None:
        """Send one frame of text."""

    async def recv(self) -> str | bytes:
        """Return the next frame; raises ``ConnectionClosed``."""


class HomeLinks:
    """Opens links to the Home Assistant of the settings (``HomeLinkFactory``)."""

    def __init__(self, settings: HomeAssistantSettings) -> None:
        self._settings = settings

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[HomeLink]:
        """Connect, present the token and subscribe to changes; raises ``HomeLinkLost``, also from within the block."""
        url = self._settings.url.rstrip("/")
        with as_lost(url):
            async with connect(
                url.replace("http", "ws", 1) + PATH,
                proxy=None,
                compression=None,  # what is inflated has no bound of its own
                open_timeout=OPEN_WITHIN_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                close_timeout=1.0,
                max_size=MAX_MESSAGE_BYTES,
                logger=logging.getLogger("sayso.home_assistant.websocket"),
            ) as websocket:
                link = WebSocketLink(websocket, self._settings)
                await link.begin()
                yield link


class WebSocketLink:
    """One open connection."""

    def __init__(self, websocket: FrameSocket, settings: HomeAssistantSettings) -> None:
        self._websocket = websocket
        self._settings = settings
        self._numbers = count(1)
        self._has_changed = False
        self.version = ""

    async def begin(self) -> None:
        """Present the token, and subscribe to the changes of the registries."""
        with trio.fail_after(ANSWER_WITHIN_S):
            hello = await self._receive()
            if hello.type != "auth_required":
                raise BadHomeFrame(f"it began with {hello.type!r} instead of auth_required")
            await self._websocket.send(frames.auth(self._settings.token))
            answer = await self._receive()
        if answer.type == "auth_invalid":
            raise HomeLinkRefused("Home Assistant does not accept the token: make another one, or mend it")
        if answer.type != "auth_ok":
            raise BadHomeFrame(f"it answered the token with {answer.type!r}")
        self.version = answer.ha_version
        for event in frames.REGISTRY_EVENTS:
            await self._ask(frames.SUBSCRIBE, event_type=event)

    async def read_names(self) -> HomeNames:
        """Return the names of everything that is exposed."""
        self._has_changed = False
        exposed = (await self._answer(frames.EXPOSED, Exposed)).to(frames.ASSISTANT)
        states = await self._answer(frames.STATES, list[EntityState])
        entries = await self._answer(frames.ENTITIES, list[Entry])
        registries = Registries(
            exposed=exposed,
            states=states,
            entries=await self._with_aliases([entry for entry in entries if entry.entity_id in exposed]),
            areas=await self._answer(frames.AREAS, list[Area]),
            floors=await self._answer(frames.FLOORS, list[Floor], is_new=True),
            devices=await self._answer(frames.DEVICES, list[Device]),
        )
        return await trio.to_thread.run_sync(names_of, registries, self._settings.max_entities)

    async def wait_changed(self) -> None:
        """Wait until a registry has changed since ``read_names`` began."""
        while not self._has_changed:
            self._take_event(await self._receive())

    async def _with_aliases(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        found: list[Entry] = []
        wanted = [entry.entity_id for entry in entries[: self._settings.max_entities]]
        for at in range(0, len(wanted), ENTRIES_AT_ONCE):
            some = wanted[at : at + ENTRIES_AT_ONCE]
            answer = await self._answer(frames.ENTRIES, dict[str, Entry | None], entity_ids=some)
            found += [entry for entry in answer.values() if entry is not None]
        return found

    async def _answer(self, kind: str, type_: type[ResultT], *, is_new: bool = False, **fields: object) -> ResultT:
        """Return the answer to a command, decoded in a thread; ``is_new``: older versions have no such command."""
        answer = await self._ask(kind, is_new=is_new, **fields)
        return await trio.to_thread.run_sync(frames.result, answer, type_)

    async def _ask(self, kind: str, *, is_new: bool = False, **fields: object) -> HomeFrame:
        number = next(self._numbers)
        with trio.fail_after(ANSWER_WITHIN_S):
            await self._websocket.send(frames.command(number, kind, fields))
            while True:
                answer = await self._receive()
                if answer.type == "result" and answer.id == number:
                    break
                self._take_event(answer)
        if answer.success:
            return answer
        failure = answer.error or frames.HomeFailure("unknown_error")
        if failure.code == NOT_ADMIN:
            raise HomeLinkRefused("the token is not an administrator's, so it may not see what is exposed")
        if failure.code == UNKNOWN and is_new:
            return frames.NOTHING
        raise BadHomeFrame(f"{kind} failed: {failure.code} {failure.message[: frames.MAX_SHOWN_CHARS]}".rstrip())

    def _take_event(self, frame: HomeFrame) -> None:
        self._has_changed = self._has_changed or frame.type == "event"

    async def _receive(self) -> HomeFrame:
        return frames.frame(await self._websocket.recv())


@contextmanager
def as_lost(url: str) -> Iterator[None]:
    """Raise what can go wrong with the server as ``HomeLinkLost``."""
    try:
        yield
    except BadHomeFrame as error:
        raise HomeLinkLost(f"{url}: {error}") from None
    except (trio.TooSlowError, TimeoutError):
        raise HomeLinkLost(f"{url} did not answer within {ANSWER_WITHIN_S:g} s") from None
    except InvalidStatus as error:
        status = error.response.status_code
        raise HomeLinkLost(f"no Home Assistant at {url}: it answered with status {status}") from None
    except (InvalidHandshake, InvalidURI) as error:
        raise HomeLinkLost(f"no Home Assistant at {url}: {_line(error)}") from None
    except ConnectionClosed as error:
        is_big = error.sent is not None and error.sent.code == TOO_BIG
        why = f"a message of over {MAX_MESSAGE_BYTES} bytes" if is_big else "it closed the connection"
        raise HomeLinkLost(f"{url}: {why}") from None
    except (OSError, trio.BrokenResourceError, WebSocketException) as error:
        raise HomeLinkLost(f"{url} cannot be reached: {_line(error)}") from None


def _line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):  # of the addresses that were tried
        error = error.exceptions[0]
    causes = [error.__cause__] if not str(error) and error.__cause__ is not None else [error]
    return (" ".join(str(causes[0]).split()) or type(error).__name__)[: frames.MAX_SHOWN_CHARS]
