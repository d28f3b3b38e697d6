"""The image's file, Compose and Swarm: by validators, and against what the server itself has."""

import re
from pathlib import Path
from typing import Any

import pytest

from backends.ingress.pages import OwnPages
from config.keys import KEYS
from config.sources import variable_of
from tests.deploy.validators import DEPLOY, Verdict, documents, planted, verdict
from tests.fakes import default_settings
from tests.source_tree import ROOT, committed_files, pyproject

pytestmark = pytest.mark.system
DEV = "pip install -r requirements/dev.txt"
COMPOSED = ("compose.yaml", "swarm.yaml")
TEXTS = {
    path.relative_to("deploy").as_posix(): (ROOT / path).read_text(encoding="utf-8")
    for path in committed_files()
    if path.parts[0] == "deploy"
}


def linted(file: Path) -> Verdict:
    return verdict("hadolint", file, install=DEV)


def composed(file: Path) -> Verdict:
    return verdict("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file, install=DEV)


def services(file: str) -> Any:
    (page,) = documents(file)
    return page["services"]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


# --- by validators -------------------------------------------------------------------------------


def test_the_dockerfile_is_fine_by_hadolint() -> None:
    assert linted(DEPLOY / "Dockerfile") == Verdict(0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ('CMD ["serve", "--host", "0.0.0.0"]', "CMD serve --host 0.0.0.0", "DL3025"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("--no-install-recommends ", "", "DL3015"),
    ],
)
def test_hadolint_notices_a_planted_error(tmp_path: Path, right: str, wrong: str, rule: str) -> None:
    found = linted(planted(tmp_path, "Dockerfile", right, wrong))
    assert found.code == 1
    assert rule in found.output


@pytest.mark.parametrize("file", COMPOSED)
def test_compose_and_swarm_are_fine_by_the_compose_specification(file: str) -> None:
    found = composed(DEPLOY / file)
    assert found.code == 0, found.output


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("compose.yaml", "image: sayso", "imgae: sayso"),
        ("compose.yaml", "interval: 5s", "interval: [5, seconds]"),
        ("swarm.yaml", "mode: global", "mode: [global]"),
    ],
)
def test_the_specification_notices_a_planted_error(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    assert composed(planted(tmp_path, file, right, wrong)).code == 1


# --- against the server --------------------------------------------------------------------------


@pytest.mark.parametrize("file", TEXTS)
def test_every_variable_of_ours_is_a_setting(file: str) -> None:
    ours = set(re.findall(r"\bSAYSO_[A-Z]+__[A-Z_]+\b", TEXTS[file]))
    assert ours - {variable_of(name) for name in KEYS} == set()


@pytest.mark.parametrize("file", TEXTS)
def test_every_health_page_that_is_asked_exists(file: str) -> None:
    pages = OwnPages(figures=None).routes()  # type: ignore[arg-type] # nothing is asked
    assert set(re.findall(r"/health\b[a-z/]*", TEXTS[file])) <= set(pages)


def test_the_image_gets_all_that_the_package_is_built_of() -> None:
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    tables: Any = pyproject()
    wheel = tables["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert kept == {*wheel, "requirements", "pyproject.toml", tables["project"]["readme"], "LICENSE"}


@pytest.mark.parametrize("file", COMPOSED)
def test_a_replica_has_the_guides_limits_and_time_to_drain(file: str) -> None:
    server = services(file).get("sayso") or services(file)["server"]
    limits = server["deploy"]["resources"]["limits"]
    supervisor = default_settings().supervisor
    assert (limits["cpus"], limits["memory"]) == ("4.0", "8g")
    assert server["deploy"]["resources"]["reservations"]["memory"] == "6g"
    drained_s = seconds(server["environment"]["SAYSO_SUPERVISOR__DRAIN_DELAY_S"]) + supervisor.drain_timeout_s
    assert seconds(server["stop_grace_period"]) >= drained_s + supervisor.stop_timeout_s
    assert seconds(services(file)["haproxy"]["stop_grace_period"]) >= seconds(server["stop_grace_period"])


@pytest.mark.parametrize("file", COMPOSED)
def test_every_service_has_limits_and_no_more_rights_than_it_needs(file: str) -> None:
    for name, service in services(file).items():
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name


def test_from_outside_only_the_proxy_is_reached_and_by_default_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in services("compose.yaml").items() if "ports" in service}
    assert ports == {
        "haproxy": ["${SAYSO_ADDRESS:-127.0.0.1:8000}:8000"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


@pytest.mark.parametrize("file", COMPOSED)
def test_the_networks_of_the_proxies_are_the_ones_that_are_trusted(file: str) -> None:
    (page,) = documents(file)
    server = services(file).get("sayso") or services(file)["server"]
    subnet = page["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert server["environment"]["SAYSO_GATEWAY__TRUSTED_PROXIES"] == subnet


@pytest.mark.parametrize("file", COMPOSED)
def test_every_file_that_is_mounted_is_there(file: str) -> None:
    mounted = set(re.findall(r"(?:- |file: )(\./[\w./-]+)", TEXTS[file]))
    assert mounted
    assert [path for path in sorted(mounted) if not (DEPLOY / path).exists()] == []


def test_no_password_stands_in_a_file() -> None:
    values = re.findall(r"PASSWORD(?:=|: )(\S*)", "".join(TEXTS.values()))
    assert values
    assert [value for value in values if value and not value.startswith("${")] == []


def test_idle_sessions_outlive_no_proxy() -> None:
    idle_s = default_settings().session.idle_timeout_s
    for file in ("haproxy/haproxy.cfg", "haproxy/containers.cfg"):
        (minutes,) = re.findall(r"timeout tunnel (\d+)m", TEXTS[file])
        assert int(minutes) * 60 > idle_s
    (ingress_s,) = re.findall(r'proxy-read-timeout: "(\d+)"', TEXTS["kubernetes/server.yaml"])
    assert int(ingress_s) > idle_s
