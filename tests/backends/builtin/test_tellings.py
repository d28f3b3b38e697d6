import pytest

from backends.builtin.owned import OwnedThing, Telling
from backends.builtin.schedules import Schedule, to_json
from backends.builtin.tellings import PAST_S, messages, telling_body
from backends.mcp.announcements import MAX_TEXT_CHARS
from tests.backends.builtin.plans_fixtures import BERLIN, desk_in


@pytest.fixture
def now_s(tmp_path):
    return desk_in(tmp_path).now_s


def telling(kind, text, due_s, *, user="ada", id_=1, language="en"):
    body = {"kind": kind, "session": "kitchen", "language": language, "text": text, "seconds": 60.0}
    return Telling(id_, user, due_s, body)


def said(tellings, now_s):
    return [message.text for message in messages(tellings, now_s, BERLIN)]


@pytest.mark.parametrize(
    ("due", "language", "expected"),
    [
        (("timer", "tea", 1), "en", "Your tea timer is done."),
        (("timer", "", 130), "en", "Your one-minute timer is done. It was due two minutes and ten seconds ago."),
        (("reminder", "call mom", 1), "en", "Your reminder: call mom."),
        (("reminder", "call mom", 120), "en", "It was due two minutes ago: call mom."),
        (("alarm", "", 1), "en", "It is 9:59 in the morning. Your alarm!"),
        (("alarm", "gym", 1), "en", "It is 9:59 in the morning: gym."),
        (("alarm", "", 120), "en", "Your alarm was due two minutes ago."),
        (("alarm", "gym", 120), "en", "Your alarm was due two minutes ago. Gym."),
        (("timer", "Tee", 60), "de", "Der Timer für Tee ist abgelaufen. Das kommt eine Minute zu spät."),
        (("reminder", "Mama", 120), "de", "Das kommt zwei Minuten zu spät: Mama."),
        (("alarm", "", 1), "de", "Es ist 9:59 Uhr. Dein Wecker!"),
    ],
)
def test_what_is_due_is_told_in_its_language_and_says_when_it_is_late(now_s, due, language, expected):
    kind, text, late_s = due
    assert said([telling(kind, text, now_s - late_s, language=language)], now_s) == [expected]


def test_what_is_long_past_is_told_in_one_summary_for_each_user(now_s):
    past_s = now_s - PAST_S - 3_600
    found = messages(
        [
            telling("alarm", "", past_s, id_=1),
            telling("reminder", "call mom", past_s, id_=2),
            telling("timer", "tea", past_s, id_=3),
            telling("alarm", "gym", past_s, user="bob", id_=4),
            telling("timer", "eggs", now_s, id_=5),
        ],
        now_s,
        BERLIN,
    )
    assert [(message.user, message.text, message.ids) for message in found] == [
        ("ada", "Your eggs timer is done.", (5,)),
        (
            "ada",
            "You missed: the alarm for 9 yesterday evening, call mom, at 9 yesterday evening and tea timer.",
            (1, 2, 3),
        ),
        ("bob", "You missed: the alarm for 9 yesterday evening.", (4,)),
    ]


def test_a_summary_is_short(now_s):
    past_s = now_s - PAST_S - 1
    (text,) = said([telling("reminder", "x" * 200, past_s, id_=number) for number in range(7)], now_s)
    assert len(text) == MAX_TEXT_CHARS
    (text,) = said([telling("reminder", "x", past_s, id_=number) for number in range(7)], now_s)
    assert text.endswith("and two more.")


def test_what_is_due_keeps_what_has_to_be_known():
    kept = {"session": "kitchen", "language": "de"}
    timer = OwnedThing(1, "ada", "timer", {**kept, "name": "tea", "seconds": 60, "due_s": 5.0, "left_s": None})
    alarm = OwnedThing(2, "ada", "alarm", {**kept, "text": "gym", "schedule": to_json(Schedule(at_s=5.0))})
    assert telling_body(timer) == {**kept, "kind": "timer", "text": "tea", "seconds": 60.0}
    assert telling_body(alarm) == {**kept, "kind": "alarm", "text": "gym"}
