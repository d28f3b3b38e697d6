import json

from config.display import HIDDEN, shown
from config.keys import KEYS
from config.load import load

HOME = {"HOME": "/home/ada"}


def test_every_setting_is_shown_as_json() -> None:
    rows = shown(load(None, HOME, {}).settings)
    assert set(rows) == set(KEYS)
    assert json.loads(json.dumps(rows)) == rows
    assert rows["supervisor.data_dir"] == "/home/ada/.local/share/sayso"
    assert rows["inference.openai.api_key"] == ""


def test_no_secret_is_shown() -> None:
    servers = {
        "mail": {"command": "m", "args": ["-v"], "env": {"TOKEN": "s3cr3t"}},
        "web": {"url": "https://ada:s3cr3t@example.org/mcp?key=s3cr3t", "headers": {"Authorization": "s3cr3t"}},
    }
    flags = {
        "inference.openai.api_key": "s3cr3t",
        "inference.openai.url": "https://s3cr3t@example.org/v1",
        "tools.servers": json.dumps(servers),
    }
    rows = shown(load(None, HOME, flags).settings)
    assert "s3cr3t" not in json.dumps(rows)
    assert rows["inference.openai.api_key"] == HIDDEN
    assert rows["tools.servers"]["mail"] == {"command": "m", "args": ["-v"], "env": {"TOKEN": HIDDEN}}
    assert rows["tools.servers"]["web"]["url"] == f"https://{HIDDEN}@example.org/mcp?key={HIDDEN}"
