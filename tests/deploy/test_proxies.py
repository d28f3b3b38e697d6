"""HAProxy's two files: by HAProxy itself, and against what the server has for whom."""

import re
from pathlib import Path

import pytest

from protocol.admission.scopes import OPERATE, PATHS, needed_scopes
from tests.deploy.validators import DEPLOY, Verdict, planted, verdict

pytestmark = pytest.mark.system
FILES = ("haproxy/haproxy.cfg", "haproxy/containers.cfg")
ADDRESSES = {
    "SAYSO_FRONT": "127.0.0.1:8000",
    "SAYSO_ONE": "127.0.0.1:8001",
    "SAYSO_TWO": "127.0.0.1:8002",
    "SAYSO_REPLICAS": "sayso:8000",
}


def checked(file: Path) -> Verdict:
    return verdict("haproxy", "-c", "-f", file, environ=ADDRESSES, install="apt-get install haproxy")


def section(file: str, head: str) -> list[str]:
    """Return the lines of a section, without remarks."""
    text = re.search(rf"^{head}\n((?:[ \t].*\n|\n)+)", (DEPLOY / file).read_text(), re.MULTILINE)
    assert text is not None, head
    return [line.partition("#")[0].strip() for line in text[1].splitlines() if line.partition("#")[0].strip()]


def passed_on(file: str) -> tuple[set[str], set[str]]:
    """Return the paths that clients reach, and what further ones begin with."""
    rules = [line.split() for line in section(file, "frontend voice") if line.startswith("acl ours")]
    whole = {path for _, _, kind, *paths in rules if kind == "path" for path in paths}
    below = {path for _, _, kind, *paths in rules if kind == "path_beg" for path in paths}
    return whole, below


@pytest.mark.parametrize("file", FILES)
def test_the_file_is_fine_by_haproxy(file: str) -> None:
    found = checked(DEPLOY / file)
    assert found.code == 0, found.output


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("balance leastconn", "balance leastcon"),
        ("use_backend sockets", "use_backend socket"),
        ("timeout client 60s", "timeout client 60parsecs"),
    ],
)
def test_haproxy_notices_a_planted_error(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    assert checked(planted(tmp_path, file, right, wrong)).code == 1


@pytest.mark.parametrize("file", FILES)
def test_the_guides_health_check_asks_whether_a_replica_takes_new_clients(file: str) -> None:
    for backend in ("sockets", "pages"):
        lines = section(file, f"backend {backend}")
        assert "option httpchk GET /health/ready" in lines
        assert all(" check" in line for line in lines if line.startswith("server"))


@pytest.mark.parametrize("file", FILES)
def test_clients_reach_what_is_theirs_and_nothing_of_operators(file: str) -> None:
    whole, below = passed_on(file)
    assert whole - set(PATHS) == {"/health/ready"}
    assert {path for path in whole if needed_scopes("GET", path) == OPERATE} == set()
    assert whole & {"/metrics", "/api/status", "/api/drain", "/api/audit", "/console", "/api/models/load"} == set()
    assert below == {"/v1/", "/web/", "/api/conversations/"}
    assert any("deny" in line and line.endswith("unless ours") for line in section(file, "frontend voice"))


def test_both_files_pass_the_same_on() -> None:
    one, other = FILES
    assert passed_on(one) == passed_on(other)
    assert {line for line in section(one, "defaults") if not line.startswith("log ")} == {
        line for line in section(other, "defaults") if not line.startswith("log ")
    }
