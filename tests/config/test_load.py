import re
from collections.abc import Callable
from pathlib import Path

import pytest

from config.keys import KEYS
from config.load import CLIENTS, DEFAULTS, is_loopback, load
from config.problems import ConfigError
from config.sources import line_numbers
from protocol.messages.event_values import CLIENT_SERVER

HOME = {"HOME": "/home/ada"}
WriteToml = Callable[[str], Path]


@pytest.fixture
def write_toml(tmp_path: Path) -> WriteToml:
    def write(text: str) -> Path:
        path = tmp_path / "sayso.toml"
        path.write_text(text)
        return path

    return write


def problems(path: Path | None = None, environ: dict[str, str] | None = None, **flags: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, HOME | (environ or {}), {key.replace("__", "."): value for key, value in flags.items()})
    return [str(problem) for problem in caught.value.problems]


def test_the_defaults_set_every_setting_and_nothing_else() -> None:
    loaded = load(None, HOME, {})
    assert set(loaded.origins) == set(KEYS)
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.warnings == ()


TABLES = {"tools.servers", "tools.programs", "tools.policy", "inference.task_models"}  # explained above their heads


def test_every_default_has_a_comment_that_gives_its_reason() -> None:
    lines = DEFAULTS.read_text().splitlines()
    for key, number in line_numbers(DEFAULTS.read_text()).items():
        if key in KEYS and key not in TABLES | {"dialogue.system_prompt"}:
            assert re.search(r"# .{3,}", lines[number - 1]), f"{key} has no comment"


def test_a_later_place_wins_over_an_earlier_one(write_toml: WriteToml) -> None:
    path = write_toml("[transcription]\nworkers = 3\nbatch_size = 2\nbeam_size = 6\nmodel = 'base'\n")
    environ = HOME | {
        "SAYSO_TRANSCRIPTION__BATCH_SIZE": "3",
        "SAYSO_TRANSCRIPTION__EMBEDDED__BEAM_SIZE": "7",
        "SAYSO_TRANSCRIPTION__MODEL": "small",
        "STT_BATCH_SIZE": "8",
        "WHISPER_MODEL": "medium",
    }
    loaded = load(path, environ, {"transcription.model": "large"})
    transcription = loaded.settings.transcription
    assert (transcription.workers, transcription.embedded.beam_size) == (3, 7)
    assert (transcription.batch_size, transcription.model) == (8, "large")
    assert loaded.origins["transcription.workers"] == f"{path}:2"
    assert loaded.origins["transcription.embedded.beam_size"] == "SAYSO_TRANSCRIPTION__EMBEDDED__BEAM_SIZE"
    assert loaded.origins["transcription.batch_size"] == "STT_BATCH_SIZE"
    assert loaded.origins["transcription.model"] == "command line"


def test_nested_settings_are_reached_by_a_variable() -> None:
    loaded = load(None, HOME | {"SAYSO_GATEWAY__WEBSOCKET__PING_INTERVAL_S": "12.5"}, {})
    assert loaded.settings.gateway.websocket.ping_interval_s == 12.5


def test_every_problem_is_reported_at_once_with_its_place_and_value(write_toml: WriteToml) -> None:
    path = write_toml('[gateway]\nport = "8000"\nprot = 1\n\n[audio]\nsilence_ms = 50\n[nonsense]\nx = 1\n')
    environ = {"SAYSO_LOG__LEVEL": "loud", "SAYSO_TYPO": "1", "LLM_TOP_P": "often"}
    assert problems(path, environ, log__json="perhaps") == [
        f"{path}:2: gateway.port: expected a whole number, not '8000'",
        f"{path}:3: gateway.prot is no setting; did you mean gateway.port?",
        f"{path}:6: audio.silence_ms: expected a value >= 200, not 50",
        f"{path}:8: nonsense.x is no setting",
        "SAYSO_LOG__LEVEL: log.level: expected one of debug, info, warning, error, not 'loud'",
        "SAYSO_TYPO: typo is no setting",
        "LLM_TOP_P: inference.top_p: expected a number, not 'often'",
        "command line: log.json: expected true or false, not 'perhaps'",
    ]


def test_a_section_given_as_a_value_is_a_problem(write_toml: WriteToml) -> None:
    path = write_toml("gateway = 3\n")
    assert problems(path) == [f"{path}:1: gateway is no setting; did you mean gateway.port?"]


def test_a_file_that_is_no_toml_is_a_problem_that_says_where(write_toml: WriteToml) -> None:
    path = write_toml("[gateway\nport = 1\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: expected TOML")
    assert "line 1" in problem


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    assert problems(path) == [f"{path}: cannot be read: No such file or directory"]


def test_a_secret_is_in_no_message_and_in_no_repr(write_toml: WriteToml) -> None:
    path = write_toml("[inference]\nopenai_api_key = 12345678\n")
    assert problems(path) == [f"{path}:2: inference.openai.api_key: expected text"]
    loaded = load(None, HOME | {"SAYSO_INFERENCE__OPENAI__API_KEY": "sk-secret"}, {})
    assert "sk-secret" not in repr(loaded)


def test_no_tool_server_has_the_name_that_stands_for_the_tools_of_clients(write_toml: WriteToml) -> None:
    path = write_toml('[tools.servers.client]\ncommand = "ring"\n')
    [problem] = problems(path)
    assert "client stands for the tools of clients: give the server of tools.servers another name" in problem
    assert CLIENTS == CLIENT_SERVER


def test_a_host_that_others_reach_is_a_good_setting_and_its_keys_are_looked_for_at_the_start() -> None:
    loaded = load(None, HOME | {"SAYSO_GATEWAY__HOST": "0.0.0.0"}, {})
    assert not [warning for warning in loaded.warnings if warning.startswith("insecure: ")]


def test_a_clients_key_in_the_environment_is_no_setting() -> None:
    load(None, HOME | {"SAYSO_KEY": "sayso_secret"}, {})


@pytest.mark.parametrize(
    ("key", "value", "example"),
    [
        ("SAYSO_GATEWAY__ALLOWED_HOSTS", "https://voice.example.org", "voice.example.org"),
        ("SAYSO_GATEWAY__ALLOWED_HOSTS", "voice.*", "*.example.org"),
        ("SAYSO_GATEWAY__ALLOWED_HOSTS", "good.example.org, a b", "voice.example.org"),
        ("SAYSO_GATEWAY__ALLOWED_ORIGINS", "app.example.org", "https://app.example.org"),
        ("SAYSO_GATEWAY__ALLOWED_ORIGINS", "https://app.example.org/", "without a path"),
    ],
)
def test_names_and_origins_are_checked_when_they_are_read(key: str, value: str, example: str) -> None:
    (problem,) = problems(None, {key: value})
    assert example in problem


def test_names_and_origins_of_all_forms_are_taken_and_a_star_is_said_at_every_start() -> None:
    hosts, origins = "voice.example.org:8443, *.example.org, *", "https://app.example.org:8443, null, *"
    loaded = load(None, HOME, {"gateway.allowed_hosts": hosts, "gateway.allowed_origins": origins})
    assert loaded.settings.gateway.allowed_hosts == tuple(hosts.split(", "))
    assert loaded.settings.gateway.allowed_origins == tuple(origins.split(", "))
    assert [warning.split(" = ")[0] for warning in loaded.warnings] == [
        "insecure: with gateway.allowed_hosts",
        "insecure: with gateway.allowed_origins",
    ]


def test_an_insecure_host_is_allowed_and_said_at_every_start() -> None:
    loaded = load(None, HOME, {"gateway.host": "0.0.0.0", "gateway.insecure": "true"})
    assert loaded.settings.gateway.host == "0.0.0.0"
    assert [warning for warning in loaded.warnings if warning.startswith("insecure: ")]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("192.168.0.2", False),
        ("::", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_host(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "flags",
    [
        {"audio.onset_threshold": "0.2"},
        {"transcription.embedded.hypotheses": "6"},
        {"audio.block_samples": "8000"},
        {"inference.provider": "openai"},
        {"inference.provider": "ollama", "inference.ollama.url": ""},
        {"transcription.provider": "openai"},
        {"speech.provider": "openai"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(flags: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, HOME, flags)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].where == "command line"


def test_paths_are_absolute_and_follow_the_xdg_specification() -> None:
    settings = load(None, HOME | {"XDG_CACHE_HOME": "/var/cache/ada"}, {}).settings
    assert settings.supervisor.data_dir == Path("/home/ada/.local/share/sayso")
    assert settings.supervisor.models_dir == Path("/var/cache/ada/sayso/models")
    assert settings.history.sqlite.path == Path("/home/ada/.local/share/sayso/history.db")
    assert settings.dialogue.commands_dir == "/home/ada/.config/sayso/commands"


def test_commands_lie_beside_the_file_and_history_in_the_folder_of_data(write_toml: WriteToml) -> None:
    path = write_toml('[supervisor]\ndata_dir = "/srv/sayso"\n[history]\npath = "talk.db"\n')
    settings = load(path, HOME, {}).settings
    assert settings.history.sqlite.path == Path("/srv/sayso/talk.db")
    assert settings.dialogue.commands_dir == str(path.parent / "commands")


def test_further_folders_of_commands_lie_beside_the_file_unless_they_are_absolute(write_toml: WriteToml) -> None:
    path = write_toml('[dialogue]\nmore_commands_dirs = ["shared", "/srv/commands"]\n')
    assert load(path, HOME, {}).settings.dialogue.more_commands_dirs == (str(path.parent / "shared"), "/srv/commands")


def test_an_absolute_history_path_stays_where_it_is() -> None:
    assert load(None, HOME, {"history.sqlite.path": "/tmp/h.db"}).settings.history.sqlite.path == Path("/tmp/h.db")


SERVERS = {"time": {"command": "mcp-server-time", "args": ["--local-timezone", "UTC"], "type": "stdio"}}


def test_servers_of_mcp_clients_can_be_pasted_into_the_file(write_toml: WriteToml) -> None:
    table = 'command = "mcp-server-time"\nargs = ["--local-timezone", "UTC"]\ntype = "stdio"\n'
    for name in ("mcpServers", "tools.servers"):
        assert load(write_toml(f"[{name}.time]\n{table}"), HOME, {}).settings.tools.servers == SERVERS


@pytest.mark.parametrize("around", ['{"mcpServers": %s}', "%s"])
def test_servers_of_mcp_clients_can_be_pasted_into_a_variable(around: str) -> None:
    text = around % '{"time": {"command": "mcp-server-time", "args": ["--local-timezone", "UTC"], "type": "stdio"}}'
    assert load(None, HOME | {"SAYSO_TOOLS__SERVERS": text}, {}).settings.tools.servers == SERVERS


def test_a_bad_server_is_named_without_its_values(write_toml: WriteToml) -> None:
    path = write_toml('[tools.servers.mail]\ncommand = "m"\nenv = {TOKEN = 1, SECRET = "s3cr3t"}\n')
    assert problems(path) == [f"{path}:1: tools.servers: mail.env: expected a table of texts"]


def test_programs_are_argument_vectors(write_toml: WriteToml) -> None:
    path = write_toml('[tools.programs]\neditor = ["code", "-n"]\n')
    assert load(path, HOME, {}).settings.tools.programs == {"editor": ("code", "-n")}
    (problem,) = problems(write_toml('[tools.programs]\neditor = "code -n; rm"\n'))
    assert "expected a program and its arguments" in problem


def test_a_variable_in_a_servers_environment_is_expanded_or_named(write_toml: WriteToml) -> None:
    path = write_toml('[mcpServers.mail]\ncommand = "m"\nenv = {KEY = "${MY_KEY}"}')

    assert load(path, HOME | {"MY_KEY": "k"}, {}).settings.tools.servers["mail"]["env"] == {"KEY": "k"}
    with pytest.raises(ConfigError, match=r"mail\.env\.KEY: the variable MY_KEY is not set"):
        load(path, HOME, {})


def test_a_server_of_an_older_transport_is_told_what_to_use(write_toml: WriteToml) -> None:
    path = write_toml('[mcpServers.old]\nurl = "http://127.0.0.1/sse"\ntype = "sse"')

    with pytest.raises(ConfigError, match="SSE is not supported; use streamable HTTP"):
        load(path, HOME, {})


def test_networks_for_wyoming_are_warned_of() -> None:
    given = {"gateway.wyoming_port": "10300", "gateway.wyoming_networks": "192.0.2.0/24"}
    told = "Wyoming has no keys: everyone in 192.0.2.0/24 may talk to this server and use its tools"
    assert told in load(None, HOME, given).warnings
    for key in given:
        rest = {other: value for other, value in given.items() if other != key}
        assert told not in load(None, HOME, rest).warnings
