import pytest
from pydantic import ValidationError

from backends.mcp.announcements import METHOD, Announcement, AnnouncementNotification, Announcements
from protocol.messages.understanding import ToolAnnouncement


async def test_an_announcement_is_handed_to_its_receiver():
    said = []
    (binding,) = Announcements(said.append).notifications()
    wire = AnnouncementNotification(
        params=Announcement(session="s1", text="Tea is ready.", user="ada", receipts=[7])
    ).model_dump()

    assert wire["method"] == binding.method == METHOD
    await binding.handler(binding.params_type.model_validate(wire["params"]))
    assert said == [ToolAnnouncement("s1", "Tea is ready.", "ada", (7,))]


@pytest.mark.parametrize(
    "params", [{"session": "s"}, {"session": "s", "text": ""}, {"session": "s", "text": "x" * 501}]
)
def test_an_announcement_has_a_short_text(params):
    with pytest.raises(ValidationError):
        Announcement.model_validate(params)
