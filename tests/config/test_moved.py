from pathlib import Path

import pytest

from config.keys import KEYS
from config.load import load
from config.moved import MOVED
from config.problems import ConfigError

HOME = {"HOME": "/home/ada"}
TEXTS = {"inference.embedded": "off", "transcription.device": "cpu", "transcription.compute_type": "int8"}
TEXTS |= dict.fromkeys(("transcription.openai_url", "speech.openai_url"), "http://127.0.0.1:9/v1")
BOOLEANS = {"transcription.flash_attention", "transcription.spare_vram"}


@pytest.mark.parametrize("old", MOVED)
def test_an_old_key_sets_what_has_a_new_name_and_says_so(old: str) -> None:
    new = MOVED[old]
    assert old not in KEYS
    value = TEXTS.get(old, "true" if old in BOOLEANS else "5")
    loaded = load(None, HOME, {old: value})
    assert loaded.origins[new] == "command line"
    [notice] = loaded.warnings
    assert notice.startswith(f"command line: {old} is now {new} (or SAYSO_")


def test_old_keys_work_in_files_and_variables_and_the_later_place_wins(tmp_path: Path) -> None:
    path = tmp_path / "sayso.toml"
    speech = '[speech]\nopenai_url = "http://a/v1"\n[speech.piper]\nworkers = 2\n'
    path.write_text(f'{speech}[inference]\nembedded = "off"\n')
    loaded = load(path, HOME | {"SAYSO_SPEECH__WORKERS": "3"}, {})
    assert loaded.settings.speech.openai.url == ("http://a/v1",)
    assert loaded.settings.inference.embedded.use == "off"
    assert loaded.settings.speech.piper.workers == 3
    assert f"{path}:2: speech.openai_url is now speech.openai.url" in loaded.warnings[0]
    assert len(loaded.warnings) == 3


def test_a_bad_value_is_told_with_the_new_key() -> None:
    with pytest.raises(ConfigError, match=r"command line: speech\.piper\.workers: expected a value >= 1, not '0'"):
        load(None, HOME, {"speech.workers": "0"})


def test_new_keys_need_no_notice() -> None:
    assert load(None, HOME, dict.fromkeys(("speech.piper.workers", "history.sqlite.cache_pages"), "7")).warnings == ()
