import re

import pytest

from config.aliases import ALIASES, NOT_YET, read_aliases, warnings_about
from config.keys import KEYS
from config.load import load
from config.problems import ConfigError

HOME = {"HOME": "/home/ada"}
GUIDE = {
    "WORKERS": "4",
    "WORKER_CONNECTIONS": "1000",
    "MAX_REQUESTS": "1000",
    "MAX_REQUESTS_JITTER": "100",
    "TIMEOUT": "120",
    "KEEPALIVE": "2",
    "WEBSOCKET_MAX_CONNECTIONS": "100",
    "WEBSOCKET_PING_INTERVAL": "30",
    "WEBSOCKET_CLOSE_TIMEOUT": "60",
    "WEBSOCKET_MAX_MESSAGE_SIZE": "10485760",
    "WEBSOCKET_SEND_BUFFER_SIZE": "65536",
    "WEBSOCKET_RECV_BUFFER_SIZE": "65536",
    "RATE_LIMIT_ENABLED": "true",
    "RATE_LIMIT_PER_MINUTE": "100",
    "RATE_LIMIT_PER_HOUR": "1000",
    "RATE_LIMIT_BURST_SIZE": "10",
    "AUDIO_CHUNK_SIZE": "1024",
    "AUDIO_BUFFER_SIZE": "4096",
    "PROCESS_POOL_SIZE": "2",
    "WHISPER_MODEL": "base",
    "WHISPER_DEVICE": "cpu",
    "WHISPER_COMPUTE_TYPE": "int8",
    "WHISPER_CPU_THREADS": "4",
    "WHISPER_FLASH_ATTENTION": "true",
    "WHISPER_VRAM_OPTIMIZATION": "true",
    "STT_BATCH_SIZE": "8",
    "STT_BATCH_TIMEOUT": "100",
    "STT_CONCURRENT_REQUESTS": "2",
    "OLLAMA_MODEL": "llama2:7b",
    "LLM_MAX_TOKENS": "512",
    "LLM_TEMPERATURE": "0.7",
    "LLM_TOP_P": "0.9",
    "LLM_TOP_K": "40",
    "LLM_CONTEXT_SIZE": "2048",
    "LLM_GPU_LAYERS": "35",
    "LLM_NUM_PARALLEL": "2",
    "OLLAMA_NUM_PARALLEL": "2",
    "SPECIALIZED_MODELS": "true",
    "TASK_MODEL_MAPPING": '{"coding": "codellama", "conversation": "llama2", "analysis": "mistral"}',
    "CACHE_ENABLED": "true",
    "CACHE_TTL": "3600",
    "CACHE_MAX_SIZE": "1000",
    "CACHE_COMPRESSION": "true",
    "MAX_MEMORY_USAGE": "4096",
    "MAX_CPU_USAGE": "80",
    "MEMORY_MONITORING_ENABLED": "true",
    "AUTO_RESTART_ON_OOM": "true",
    "DATABASE_URL": "postgresql://user:pass@localhost:5432/dbname",
    "DB_POOL_SIZE": "10",
    "DB_MAX_OVERFLOW": "20",
    "DB_POOL_TIMEOUT": "30",
}  # names and values as the performance guide prints them


SQL_EXPECTED = "url: expected an address such as postgresql://sayso@host/sayso"


def test_every_name_is_tried_with_the_guides_own_value() -> None:
    assert set(GUIDE) == {alias.variable for alias in ALIASES}
    loaded = load(None, HOME | GUIDE, {})
    assert loaded.settings.gateway.websocket.max_message_bytes == 10_485_760
    assert loaded.settings.gateway.websocket.close_timeout_s == 60
    rate = loaded.settings.gateway.rate
    assert (rate.enabled, rate.per_minute, rate.per_hour, rate.burst) == (True, 100, 1_000, 10)
    assert loaded.settings.transcription.batch_timeout_ms == 100
    assert loaded.settings.inference.gpu_layers == 35
    assert loaded.settings.inference.task_models["analysis"] == "mistral"
    history = loaded.settings.history
    assert (history.database, history.postgres.max_size, history.postgres.pool_timeout_s) == ("postgres", 30, 30)
    assert {loaded.origins[alias.key] for alias in ALIASES} <= set(GUIDE)


def test_every_alias_means_a_setting_that_exists() -> None:
    assert {alias.key for alias in ALIASES} <= set(KEYS)


def test_a_name_either_works_or_is_excused_and_never_both() -> None:
    assert not {alias.variable for alias in ALIASES} & set(NOT_YET)


def test_of_two_names_for_one_setting_the_more_specific_wins() -> None:
    environ = HOME | {"PROCESS_POOL_SIZE": "3", "STT_CONCURRENT_REQUESTS": "4"}
    assert load(None, environ, {}).settings.transcription.workers == 4


@pytest.mark.parametrize("device", ["mps", "opencl"])
def test_a_device_that_whisper_cannot_use_is_answered_with_those_that_work(device: str) -> None:
    entries, problems = read_aliases({"WHISPER_DEVICE": device})
    assert entries == []
    assert re.search(f"no {device}: expected cpu, cuda or auto", str(problems[0]))


def test_an_unknown_device_is_refused_like_any_bad_value() -> None:
    with pytest.raises(
        ConfigError, match=r"WHISPER_DEVICE: transcription\.embedded\.device: expected one of auto, cpu, cuda"
    ):
        load(None, HOME | {"WHISPER_DEVICE": "tpu"}, {})


@pytest.mark.parametrize(
    ("variable", "value", "told", "ours"),
    [
        ("TIMEOUT", "foo", "request_timeout_s: expected a number, not 'foo'", "GATEWAY__REQUEST_TIMEOUT_S"),
        ("DATABASE_URL", "mysql://a:b@c/d", SQL_EXPECTED, "HISTORY__URL"),
        ("MAX_REQUESTS", "-1", "max_jobs: expected a value >= 0, not '-1'", "TRANSCRIPTION__EMBEDDED__MAX_JOBS"),
    ],
)
def test_a_generic_name_of_another_program_is_a_warning(variable: str, value: str, told: str, ours: str) -> None:
    loaded = load(None, HOME | {variable: value}, {})
    (warning,) = loaded.warnings
    assert warning.startswith(f"{variable} is ignored: ")
    assert warning.endswith(f".{told}; if it is meant for sayso, set SAYSO_{ours}")
    assert loaded.settings == load(None, HOME, {}).settings


@pytest.mark.parametrize("variable", ["WHISPER_CPU_THREADS", "SAYSO_GATEWAY__REQUEST_TIMEOUT_S", "LLM_TOP_K"])
def test_a_name_that_says_what_it_sets_is_an_error(variable: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable}: .* expected a"):
        load(None, HOME | {variable: "foo"}, {})


def test_generic_names_are_those_that_name_neither_a_model_nor_its_engine() -> None:
    assert {alias.variable.split("_")[0] for alias in ALIASES if not alias.is_generic} == {
        *("AUDIO", "STT", "WHISPER", "OLLAMA", "LLM", "SPECIALIZED", "TASK")
    }


def test_a_name_without_effect_is_warned_about_once() -> None:
    environ = {"THREAD_POOL_SIZE": "10", "AUDIO_OVERLAP_SIZE": "256", "PATH": "/bin"}
    warnings = warnings_about(environ)
    assert [warning.split(" is ignored: ")[0] for warning in warnings] == ["AUDIO_OVERLAP_SIZE", "THREAD_POOL_SIZE"]
    assert load(None, HOME | environ, {}).warnings == tuple(warnings)
