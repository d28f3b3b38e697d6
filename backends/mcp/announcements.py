"""Announcements of tool servers between calls: a vendor notification of MCP, the same on both sides of the wire.

MCP's log messages would have been the obvious carrier, but since protocol 2026-07-28 they may only be sent inside a
request that opted in. A vendor notification rides the connection in both generations, and a client that does not know
it drops it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from mcp.client.extension import ClientExtension, NotificationBinding
from pydantic import BaseModel, Field

METHOD: Literal["notifications/sayso/announcement"] = "notifications/sayso/announcement"
SESSION_META_KEY = "sayso/session"
CALL_META_KEY = "sayso/call"
LANGUAGE_META_KEY = "sayso/language"
CHOICES_META_KEY = "sayso/choices"
"""Of a result: what the call may have meant, ``[{"title": "pizza timer", "arguments": {"name": "pizza"}}]``."""
UNDO_META_KEY = "sayso/undo"
"""Of a result: the call of the same server that takes it back, ``{"tool": NAME, "arguments": {...}}``."""
MAX_TEXT_CHARS = 500  # short, because an announcement interrupts


class Announcement(BaseModel):
    """A text to speak to one session; an empty ``session`` means none."""

    session: str = Field(max_length=200)
    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARS)


class AnnouncementNotification(BaseModel):
    """The notification as it goes over the wire."""

    method: Literal["notifications/sayso/announcement"] = METHOD
    params: Announcement


class Announcements(ClientExtension):
    """The client's side: hands each announcement to ``on_announcement(session_id, text)``."""

    identifier = "dev.sayso/announcements"

    def __init__(self, on_announcement: Callable[[str, str], None]) -> None:
        self._on_announcement = on_announcement

    def notifications(self) -> Sequence[NotificationBinding[Any]]:
        """Tell the SDK what to listen for."""
        deliver: Callable[[Announcement], Awaitable[None]] = self._deliver
        return (NotificationBinding(method=METHOD, params_type=Announcement, handler=deliver),)

    async def _deliver(self, announcement: Announcement) -> None:
        self._on_announcement(announcement.session, announcement.text)
