"""Announcements of tool servers between calls: a vendor extension of MCP, the same on both sides of the wire.

MCP's log messages would have been the obvious carrier, but since protocol 2026-07-28 they may only be sent inside a
request that opted in. A vendor notification rides the connection in both generations, and a client that does not know
it drops it.

A server that keeps things for users has the extension's two requests as well: ``sayso/listeners`` tells it which
sessions there are, and whose, so that it announces nothing to nobody; ``sayso/told`` confirms what was said, so that
it is not announced again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from mcp.client.extension import ClientExtension, NotificationBinding
from mcp_types import Request, RequestParams
from pydantic import BaseModel, Field

from protocol.messages.understanding import ToolAnnouncement

IDENTIFIER = "dev.sayso/announcements"
METHOD: Literal["notifications/sayso/announcement"] = "notifications/sayso/announcement"
LISTENERS_METHOD: Literal["sayso/listeners"] = "sayso/listeners"
TOLD_METHOD: Literal["sayso/told"] = "sayso/told"
DATABASE_URL_VARIABLE = "SAYSO_TOOLS_DATABASE_URL"  # of the built-in server: others could see an argument
SESSION_META_KEY = "sayso/session"
USER_META_KEY = "sayso/user"
CALL_META_KEY = "sayso/call"
LANGUAGE_META_KEY = "sayso/language"
CHOICES_META_KEY = "sayso/choices"
"""Of a result: what the call may have meant, ``[{"title": "pizza timer", "arguments": {"name": "pizza"}}]``."""
UNDO_META_KEY = "sayso/undo"
"""Of a result: the call of the same server that takes it back, ``{"tool": NAME, "arguments": {...}}``."""
REVERSIBLE_META_KEY = "sayso/reversible"
"""Of a tool: true if each result that changed something says how it is taken back."""
MAX_TEXT_CHARS = 500  # short, because an announcement interrupts
MAX_NAME_CHARS = 200
MAX_RECEIPTS = 100
MAX_LISTENERS = 20_000  # sessions of one server


class Announcement(BaseModel):
    """A text to speak to one session, or to one of a user's; an empty ``session`` without a ``user`` means none."""

    session: str = Field(max_length=MAX_NAME_CHARS)
    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARS)
    user: str | None = Field(default=None, max_length=MAX_NAME_CHARS)
    receipts: list[int] = Field(default_factory=list, max_length=MAX_RECEIPTS)
    """What is sent back with ``sayso/told`` when it was said."""


class AnnouncementNotification(BaseModel):
    """The notification as it goes over the wire."""

    method: Literal["notifications/sayso/announcement"] = METHOD
    params: Announcement


class ListenersParams(RequestParams):
    """The sessions that can be told something, with the user of each."""

    sessions: dict[str, str] = Field(max_length=MAX_LISTENERS)


class ListenersRequest(Request[ListenersParams, Literal["sayso/listeners"]]):
    """The client to a server that has the extension, at every change."""

    method: Literal["sayso/listeners"] = LISTENERS_METHOD
    params: ListenersParams


class ToldParams(RequestParams):
    """Receipts of announcements that were said."""

    receipts: list[int] = Field(max_length=MAX_RECEIPTS)


class ToldRequest(Request[ToldParams, Literal["sayso/told"]]):
    """The client to a server that has the extension, when an announcement was said."""

    method: Literal["sayso/told"] = TOLD_METHOD
    params: ToldParams


def listeners_request(sessions: Mapping[str, str]) -> ListenersRequest:
    """Return the request that tells a server which sessions there are; ``sessions`` has the user of each."""
    return ListenersRequest(params=ListenersParams(sessions=dict(sessions)))


def told_request(receipts: Sequence[int]) -> ToldRequest:
    """Return the request that confirms announcements."""
    return ToldRequest(params=ToldParams(receipts=list(receipts)))


class Announcements(ClientExtension):
    """The client's side: hands on each announcement."""

    identifier = IDENTIFIER

    def __init__(self, on_announcement: Callable[[ToolAnnouncement], None]) -> None:
        self._on_announcement = on_announcement

    def notifications(self) -> Sequence[NotificationBinding[Any]]:
        """Tell the SDK what to listen for."""
        deliver: Callable[[Announcement], Awaitable[None]] = self._deliver
        return (NotificationBinding(method=METHOD, params_type=Announcement, handler=deliver),)

    async def _deliver(self, announcement: Announcement) -> None:
        self._on_announcement(
            ToolAnnouncement(announcement.session, announcement.text, announcement.user, tuple(announcement.receipts))
        )
