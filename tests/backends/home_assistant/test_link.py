import json
from collections import deque

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from backends.home_assistant.link import WebSocketLink, as_lost
from backends.protocols import HomeLinkLost, HomeLinkRefused
from config.settings import HomeAssistantSettings
from tests.fake_home_assistant import TOKEN, FakeHome, Thing, small_home

SETTINGS = HomeAssistantSettings(url="http://home", token=TOKEN, languages=("en",), max_entities=100)


@attrs.define(eq=False)
class Wire:
    """A WebSocket to a fake home."""

    home: FakeHome
    coming: deque[str] = attrs.field(factory=deque)
    sent: list[dict] = attrs.field(factory=list)
    _more: trio.Event = attrs.field(factory=trio.Event)

    def put(self, *frames: object) -> None:
        self.coming.extend(frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
        self._more.set()

    async def send(self, message: str) -> None:
        await trio.lowlevel.checkpoint()
        said = json.loads(message)
        self.sent.append(said)
        self.put(self.home.greet(said) if said["type"] == "auth" else self.home.answer(said))

    async def recv(self) -> str:
        while not self.coming:
            self._more = trio.Event()
            await self._more.wait()
        return self.coming.popleft()


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_sync(function, *arguments):  # a thread would stop the clock from jumping
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


@pytest.fixture
def wire() -> Wire:
    found = Wire(small_home())
    found.put(found.home.hello())
    return found


async def begun(wire: Wire) -> WebSocketLink:
    link = WebSocketLink(wire, SETTINGS)
    await link.begin()
    return link


async def test_a_link_presents_the_token_and_subscribes(wire: Wire) -> None:
    link = await begun(wire)
    assert link.version == "2026.2.3"
    assert [said.get("event_type") for said in wire.sent[1:]] == [
        f"{kind}_registry_updated" for kind in ("entity", "area", "floor", "device")
    ]


async def test_all_names_are_read(wire: Wire) -> None:
    names = await (await begun(wire)).read_names()
    assert [(entity.names, entity.area, entity.floor) for entity in names.entities] == [
        (("Garage",), None, None),
        (("Lamp",), "Bedroom", None),
        (("Lamp",), "Kitchen", "Ground floor"),
        (("Kitchen Light", "cooking lamp"), "Kitchen", "Ground floor"),
        (("Front Door",), None, None),
    ]
    assert [place.names for place in names.areas] == [("Kitchen", "the cookery"), ("Bedroom",)]


async def test_many_entities_are_asked_for_their_aliases_in_portions(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.home_assistant.link.ENTRIES_AT_ONCE", 2)
    await (await begun(wire)).read_names()
    asked = [said["entity_ids"] for said in wire.sent if said["type"] == "config/entity_registry/get_entries"]
    assert [len(each) for each in asked] == [2, 2, 1]


async def test_a_home_from_before_there_were_floors_has_none(wire: Wire) -> None:
    wire.home.has_floors = False
    assert (await (await begun(wire)).read_names()).floors == ()


async def test_a_change_wakes_whoever_waits_for_it(wire: Wire) -> None:
    link = await begun(wire)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.wait_changed)
        await wait_all_tasks_blocked()
        wire.put(wire.home.rename("light.kitchen", "Moon"))


async def test_a_change_while_names_are_read_is_not_missed(wire: Wire) -> None:
    link = await begun(wire)
    wire.put(wire.home.rename("light.kitchen", "Moon"))
    await link.read_names()
    with trio.fail_after(1):
        await link.wait_changed()


async def test_a_revoked_token_is_refused_without_being_told(wire: Wire) -> None:
    wire.home.token = "another"
    with pytest.raises(HomeLinkRefused, match="does not accept the token") as caught:
        await begun(wire)
    assert TOKEN not in str(caught.value)


async def test_a_token_of_no_administrator_is_refused(wire: Wire) -> None:
    wire.home.is_admin = False
    link = await begun(wire)
    with pytest.raises(HomeLinkRefused, match="not an administrator's"):
        await link.read_names()


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"type": "welcome"}, "began with 'welcome' instead of auth_required"),
        ("<html>hello</html>", "not a frame of Home Assistant"),
    ],
)
async def test_another_server_is_told_apart(frame: object, why: str) -> None:
    wire = Wire(FakeHome())
    wire.put(frame)
    with pytest.raises(HomeLinkLost, match=f"http://home: .*{why}"), as_lost("http://home"):
        await begun(wire)


async def test_a_command_that_fails_is_told(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    link = await begun(wire)
    monkeypatch.setattr("backends.home_assistant.frames.AREAS", "no/such")
    with pytest.raises(HomeLinkLost, match="no/such failed: unknown_command"), as_lost("http://home"):
        await link.read_names()


async def test_a_silent_server_is_given_up(autojump_clock: MockClock) -> None:
    with pytest.raises(HomeLinkLost, match="did not answer within 10 s"), as_lost("http://home"):
        await begun(Wire(FakeHome()))


def refusal(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers()))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (refusal(404), "no Home Assistant at http://home: it answered with status 404"),
        (InvalidMessage("no HTTP"), "no Home Assistant at http://home: no HTTP"),
        (ConnectionClosedError(None, Close(1009, "")), "http://home: a message of over 33554432 bytes"),
        (ConnectionClosedError(Close(1006, ""), None), "http://home: it closed the connection"),
        (OSError(111, "Connection refused"), "http://home cannot be reached: .*Connection refused"),
        (TimeoutError(), "http://home did not answer"),
    ],
)
def test_what_goes_wrong_with_the_connection_is_told(error: Exception, why: str) -> None:
    with pytest.raises(HomeLinkLost, match=f"^{why}"), as_lost("http://home"):
        raise error


def test_only_the_addresses_that_were_tried_are_looked_into() -> None:
    tried = OSError("all attempts failed")
    tried.__cause__ = ExceptionGroup("each", [OSError(111, "Connection refused")])
    with pytest.raises(HomeLinkLost, match="all attempts failed"), as_lost("http://home"):
        raise tried


async def test_more_entities_than_are_allowed_are_told(wire: Wire) -> None:
    wire.home.things = [Thing(f"light.l{number:03}", "L") for number in range(120)]
    names = await (await begun(wire)).read_names()
    assert (len(names.entities), len(names.notes)) == (100, 1)
