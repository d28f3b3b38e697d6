from typing import Any

import attrs

from config.keys import KEYS, SECTIONS, build
from config.load import load
from config.settings import Settings


def test_keys_are_dotted_paths_through_the_sections() -> None:
    assert "gateway.websocket.ping_interval_s" in KEYS
    assert {"gateway", "gateway.websocket", "tools"} <= SECTIONS
    assert "gateway.websocket" not in KEYS


def test_only_what_the_settings_hide_from_repr_is_secret() -> None:
    assert {name for name, key in KEYS.items() if key.is_secret} == {
        "home_assistant.token",
        *("history.url", "history.read_url"),
        "shared.url",
        "traces.api_key",
        *(f"{part}.openai.api_key" for part in ("inference", "transcription", "speech")),
    }


def test_settings_are_built_from_flat_values() -> None:
    settings = load(None, {"HOME": "/h"}, {}).settings
    values: dict[str, Any] = {}
    for name in KEYS:
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        values[name] = value
    rebuilt = build(Settings, values | {"gateway.port": 1234})
    assert rebuilt == attrs.evolve(settings, gateway=attrs.evolve(settings.gateway, port=1234))
