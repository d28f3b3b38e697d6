import pytest

from protocol.messages.records import SessionRecord
from protocol.turns.redaction import kept, redacted, redacted_text

KEY = "sk-" + "abcdefghijklmnop1234"


@pytest.mark.parametrize(
    "name", ["password", "db_password", "passwd", "PASSPHRASE", "pin", "api_key", "apiKey", "access_token", "Cookie"]
)
def test_a_field_that_is_called_a_secret_is_one_whatever_it_holds(name):
    assert redacted({name: "1234", "room": "hall"}) == {name: "[redacted]", "room": "hall"}


@pytest.mark.parametrize("name", ["passenger", "pinned", "room", "key", "keyboard", "compass_heading"])
def test_a_field_that_only_sounds_like_one_stays(name):
    assert redacted({name: "north"}) == {name: "north"}


def test_secrets_are_found_at_every_depth_and_other_types_stay():
    given = {"steps": [{"header": f"Bearer {KEY}", "count": 2}, ["a", KEY, None]], "on": True}

    assert redacted(given) == {
        "steps": [{"header": "Bearer [redacted]", "count": 2}, ["a", "[redacted]", None]],
        "on": True,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"the key is {KEY}.", "the key is [redacted]."),
        ("AKIA" + "IOSFODNN7EXAMPLE", "[redacted]"),
        ("postgres://anna:hunter2@db/server", "postgres://[redacted]@db/server"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc-_", "[redacted]"),
        ("a -----BEGIN RSA " + "PRIVATE KEY-----\nabc", "a [redacted]"),
        ("my password is hunter2.", "my password is [redacted]."),
        ("das Passwort lautet Geheim!9 bitte", "das Passwort lautet [redacted] bitte"),
        ('password: "p4ssw0rd" yes', 'password: "[redacted]" yes'),
        ("key: abcdef0123456789abcdef0123456789", "key: [redacted]"),
        ("card 4111 1111-11111111, please", "card [redacted], please"),
        ("the password is wrong", "the password is wrong"),
        ("the password is case-sensitive", "the password is case-sensitive"),
        ("the key is under the doormat number 4", "the key is under the doormat number 4"),
        ("call +49 170 1234567890", "call +49 170 1234567890"),
        ("number 4111 1111 1111 1112", "number 4111 1111 1111 1112"),
        ("at 1795435200000 ms", "at 1795435200000 ms"),
        ("task-list: turn on the hall lamp at 10:30", "task-list: turn on the hall lamp at 10:30"),
        ("https://example.org:8080/a@b", "https://example.org:8080/a@b"),
    ],
)
def test_only_what_looks_like_a_credential_is_taken_out_of_a_text(text, expected):
    assert redacted_text(text) == expected


@pytest.mark.parametrize(
    "unit", ["password:", "key is a1", "4", "4 ", "://a:", "bearer ", "sk-", "token:   ", "eyJaaaaaaaa."]
)
def test_a_text_that_nearly_fits_is_not_searched_without_end(unit):
    assert isinstance(redacted_text(unit * 20_000), str)  # a pattern that goes back again and again takes minutes


def test_of_a_session_nothing_is_taken_out():
    record = SessionRecord("s", "anna", 1.0)

    assert kept(record, has_words=False) is kept(record) is record
