import sys
from pathlib import Path

import pytest

from cli.replicas import NoProxy, ReplicaCommand, check_proxy, free_ports


def test_each_server_has_the_flags_of_the_whole_and_its_own_win() -> None:
    command = ReplicaCommand(Path("a.toml"), "home", {"gateway.host": "0.0.0.0", "log.level": "debug"})
    assert command.arguments(Path("ready"), {"gateway.host": "127.0.0.1"}) == [
        *(sys.executable, "-m", "cli", "--config", "a.toml", "serve", "--ready-file", "ready", "--example", "home"),
        *("--set", "gateway.host=127.0.0.1", "--set", "log.level=debug"),
    ]
    assert ReplicaCommand(None, None, {}).arguments(Path("ready"), {})[1:4] == ["-m", "cli", "serve"]


def test_a_machine_without_haproxy_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NoProxy, match=r"3 replicas \(sayso.toml:2\) need HAProxy before them.*apt-get install haproxy"):
        check_proxy("sayso.toml:2", 3)


def test_a_haproxy_on_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "haproxy"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_proxy("default", 2) == str(program)


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(5))) == 5
