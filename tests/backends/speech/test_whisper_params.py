import json
from pathlib import Path

from backends.speech.whisper_params import whisper_params
from tests.fakes import default_settings


def test_a_worker_is_told_what_the_settings_say_in_types_that_cross_a_socket() -> None:
    params = whisper_params(default_settings().transcription, Path("/models"))
    assert json.loads(json.dumps(params)) == params
    assert (params["model"], params["models_dir"], params["beam_size"]) == ("tiny.en", "/models", 5)
