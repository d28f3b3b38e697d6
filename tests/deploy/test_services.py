"""The service for systemd, and Redis's file: by systemd and Redis themselves, and what the server needs of them."""

import re
import sys
from pathlib import Path

import pytest

from supervisor import EXIT_MUST_RESTART
from tests.deploy.validators import DEPLOY, Verdict, planted, verdict
from tests.fakes import default_settings
from tests.system.redis_fixtures import running_redis

pytestmark = pytest.mark.system
UNIT = "systemd/sayso.service"
PROGRAM = "/opt/sayso/bin/sayso"
MOST_EXPOSED = 2.0  # of 10: systemd's own word for it is OK


def analyzed(*arguments: str | Path) -> Verdict:
    return verdict("systemd-analyze", *arguments, environ={"SYSTEMD_PAGER": ""}, install="apt-get install systemd")


def unit(folder: Path, right: str = PROGRAM, wrong: str = sys.executable) -> Path:
    """Return a copy whose program is there, with one more change."""
    copy = planted(folder, UNIT, PROGRAM, sys.executable)
    if right != PROGRAM:
        text = copy.read_text()
        assert right in text
        copy.write_text(text.replace(right, wrong, 1))
    return copy


def value(key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", (DEPLOY / UNIT).read_text(), re.MULTILINE)
    return str(found)


def exposure(file: Path) -> float:
    found = analyzed("security", "--offline=true", "--no-pager", file)
    (level,) = re.findall(r"Overall exposure level for sayso.service: ([\d.]+)", found.output)
    return float(level)


def test_the_service_is_fine_by_systemd(tmp_path: Path) -> None:
    assert analyzed("verify", "--man=no", unit(tmp_path)) == Verdict(0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("KillMode=mixed", "KillMode=mixd"), ("ProtectSystem=strict", "ProtectSytem=strict"), ("[Service]", "[Servis]")],
)
def test_systemd_notices_a_planted_error(tmp_path: Path, right: str, wrong: str) -> None:
    assert analyzed("verify", "--man=no", unit(tmp_path, right, wrong)).output != ""


def test_the_service_is_closed_off(tmp_path: Path) -> None:
    level = exposure(unit(tmp_path))
    assert level <= MOST_EXPOSED
    assert exposure(unit(tmp_path, "RestrictNamespaces=yes", "RestrictNamespaces=no")) > level


def test_the_service_has_the_guides_limits_and_time_to_drain() -> None:
    limits = default_settings().supervisor
    assert (value("CPUQuota"), value("MemoryMax"), value("MemoryHigh")) == ("400%", "8G", "6G")
    assert int(value("TimeoutStopSec")) >= limits.drain_timeout_s + limits.stop_timeout_s
    assert int(value("TimeoutStartSec")) >= default_settings().transcription.start_timeout_s


def test_the_service_starts_again_after_it_gave_up_and_not_with_bad_settings() -> None:
    assert value("Restart") == "on-failure"
    assert value("RestartPreventExitStatus") == "2"
    assert EXIT_MUST_RESTART == 75  # no reason to stay down


def test_workers_may_lower_their_priority_and_limit_their_memory() -> None:
    filters = re.findall(r"^SystemCallFilter=(.*)$", (DEPLOY / UNIT).read_text(), re.MULTILINE)
    assert filters == ["@system-service", "~@privileged"]  # nice and setrlimit are of @resources


def test_redis_starts_with_the_file_and_drops_answers_before_limits_and_keeps_nothing() -> None:
    file = str(DEPLOY / "redis/redis.conf")
    with running_redis("--include", file, "--bind", "127.0.0.1") as server:

        def in_force(name: str) -> str:
            asked = ("-p", str(server.port), "CONFIG", "GET", name)
            found = verdict("redis-cli", *asked, install="apt-get install redis-tools")
            return found.output.split("\n")[1]

        names = ("maxmemory-policy", "maxmemory", "save", "appendonly", "protected-mode", "lazyfree-lazy-eviction")
        assert {name: in_force(name) for name in names} == {
            "maxmemory-policy": "volatile-lfu",
            "maxmemory": str(512 << 20),
            "save": "",
            "appendonly": "no",
            "protected-mode": "yes",
            "lazyfree-lazy-eviction": "yes",
        }


def test_redis_notices_a_planted_error(tmp_path: Path) -> None:
    file = planted(tmp_path, "redis/redis.conf", "volatile-lfu", "volatile-lfuu")
    found = verdict("redis-server", file, install="apt-get install redis-server")  # ends at once
    assert found.code == 1
    assert "maxmemory-policy" in found.output
