import pytest

from protocol.redaction import redacted, redacted_text

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
        ("postgres://anna:hunter2@db/house", "postgres://[redacted]@db/house"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc-_", "[redacted]"),
        ("a -----BEGIN RSA " + "PRIVATE KEY-----\nabc", "a [redacted]"),
        ("task-list: turn on the hall lamp at 10:30", "task-list: turn on the hall lamp at 10:30"),
        ("https://example.org:8080/a@b", "https://example.org:8080/a@b"),
    ],
)
def test_only_what_looks_like_a_credential_is_taken_out_of_a_text(text, expected):
    assert redacted_text(text) == expected
