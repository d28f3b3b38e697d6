import re

import attrs
import pytest

from backends.replicas.haproxy import FrontAddress, ReplicaAddress, configuration
from tests.source_tree import ROOT

REPLICAS = (ReplicaAddress("replica-1", 8001), ReplicaAddress("replica-2", 8002))
FRONT = FrontAddress(host="127.0.0.1", port=8000, idle_timeout_s=300.0, max_connections=1_100)


def section(text: str, head: str) -> list[str]:
    """Return the lines of a section, without remarks and options of servers."""
    found = re.search(rf"^{head}\n((?:[ \t].*\n)+)", text, re.MULTILINE)
    assert found is not None, head
    lines = [re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in found[1].splitlines()]
    return [line for line in lines if not line.startswith("default-server")]


def test_it_agrees_with_the_file_that_is_shipped() -> None:
    shipped = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
    logged = {"option httplog", "option dontlognull"}
    ours = [line.replace("600s", "10m") for line in section(configuration(FRONT, REPLICAS), "defaults")]
    assert set(ours) == set(section(shipped, "defaults")) - logged


def test_every_replica_is_asked_whether_it_takes_clients_and_told_who_they_are() -> None:
    text = configuration(FRONT, REPLICAS)
    lines = section(text, "backend replicas")
    assert "option httpchk GET /health/ready" in lines
    assert "server replica-1 127.0.0.1:8001 check" in lines
    assert "server replica-2 127.0.0.1:8002 check" in lines
    assert "use-server replica-2 if { url_param(at) -m end replica-2 }" in lines
    assert "send-proxy-v2 check-send-proxy" in text


@pytest.mark.parametrize(
    ("host", "bound"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("0.0.0.0", "*:8000"),
        ("", "*:8000"),
        ("::1", "[::1]:8000"),
        ("::", "[::]:8000"),
    ],
)
def test_it_listens_where_the_server_was_to_listen(host: str, bound: str) -> None:
    text = configuration(attrs.evolve(FRONT, host=host), REPLICAS)
    assert f"bind {bound}" in section(text, "frontend voice")


def test_tls_is_passed_on_as_it_comes() -> None:
    text = configuration(attrs.evolve(FRONT, is_tls=True), REPLICAS)
    assert "mode tcp" in section(text, "defaults")
    assert "check check-ssl verify none" in text
    assert "retry-on" not in text
    assert "url_param" not in text


def test_a_silent_session_outlives_no_proxy() -> None:
    text = configuration(attrs.evolve(FRONT, idle_timeout_s=3_600.0, is_tls=True), REPLICAS)
    assert {line for line in section(text, "defaults") if line.endswith("3660s")} == {
        "timeout tunnel 3660s",
        "timeout client 3660s",
        "timeout server 3660s",
    }


def test_all_replicas_together_take_what_each_takes() -> None:
    assert "maxconn 2200" in section(configuration(FRONT, REPLICAS), "global")


def test_without_replicas_there_is_nothing_to_do() -> None:
    with pytest.raises(ValueError, match="there must be replicas"):
        configuration(FRONT, ())
