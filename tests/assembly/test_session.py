import pytest

from assembly.session import new_memory
from config.load import load


@pytest.fixture
def settings(tmp_path):
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    return load(None, environ, {}).settings


def test_a_new_memory_keeps_more_than_the_longest_utterance(settings):
    memory = new_memory("abc", settings)

    assert memory.audio.pcm.capacity >= settings.audio.max_utterance_s * 16_000
    assert len(memory.client.resume_token) >= 43  # 256 bits
    assert memory.client.resume_token != new_memory("abc", settings).client.resume_token
