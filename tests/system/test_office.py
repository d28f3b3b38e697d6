"""A server with a key and a certificate of its own, used from another machine: a network namespace of this one.

Only root may make one. It is made with an unnamed pair of interfaces and ends with its last process.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.server_fixtures import COMMAND, SMALL, Server, environment, need_models, poll, running_server
from tests.system.test_keys_and_tls import certificate_of, new_key

pytestmark = pytest.mark.system

RUN_S = 120.0
HERE, THERE = "10.213.77.1", "10.213.77.2"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


@contextmanager
def another_machine() -> Iterator[list[str]]:
    """Make a network namespace that reaches this machine; gives the beginning of a command that runs there."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("nsenter") is None:
        pytest.skip("another machine needs root and ip: run as root, apt-get install iproute2 util-linux")
    name = f"sayso{os.getpid() % 10_000}"
    made = subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True, timeout=30)
    if made.returncode:
        pytest.skip("this machine makes no network namespaces: run with the capability SYS_ADMIN")
    holder = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    try:
        poll("the namespace is there", lambda: _namespace(holder.pid) != _namespace(os.getpid()))
        try:
            ip("link", "add", name, "type", "veth", "peer", "name", "office0", "netns", str(holder.pid))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no pairs of interfaces: {error.stderr.decode().strip()}")
        try:
            there = ["nsenter", "-t", str(holder.pid), "-n"]
            ip("address", "add", f"{HERE}/30", "dev", name)
            ip("link", "set", name, "up")
            for command in (f"address add {THERE}/30 dev office0", "link set office0 up", "link set lo up"):
                subprocess.run([*there, "ip", *command.split()], check=True, timeout=30)
            yield there
        finally:
            ip("link", "delete", name)
    finally:
        holder.kill()
        holder.wait()


def _namespace(pid: int) -> str:
    return Path(f"/proc/{pid}/ns/net").readlink().name


def say(there: list[str], server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask the server for the time, from there."""
    url = f"wss://{HERE}:{server.url.rpartition(':')[2]}"
    return subprocess.run(
        [*there, *COMMAND, "say", "--url", url, *options, "what time is it"],
        cwd=server.folder,
        env=environment(server.folder, {}),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_from_another_machine_a_key_and_the_right_certificate_are_needed(tmp_path: Path) -> None:
    need_models()
    with another_machine() as there:
        key = new_key(tmp_path, "annas-desk", "--user", "anna")
        flags = ("--host", HERE, "--tls", "self-signed")
        with running_server(tmp_path, SMALL, flags=flags) as server:
            certificate = certificate_of(server)
            known = ("--fingerprint", certificate.load().fingerprint)
            good = say(there, server, *known, "--key", key)
            assert good.returncode == 0, good.stderr + server.log()
            assert "get_time" in good.stdout
            by_file = say(there, server, "--ca", str(certificate.certificate), "--key", key)
            assert by_file.returncode == 0, by_file.stderr
            for options, reason in (
                (known, "a key is needed here"),
                ((*known, "--key", f"sayso_0123456789ab_{'x' * 43}"), "the key is not known here"),
                (("--key", key), "no safe connection"),
                (("--fingerprint", "0" * 64, "--key", key), "the server has another certificate"),
            ):
                refused = say(there, server, *options)
                assert (refused.returncode, reason in refused.stderr) == (1, True), refused.stderr
            assert THERE in server.log(), "the other machine's address is told with a refusal"
            assert key not in server.log()


def test_without_a_key_a_server_for_other_machines_does_not_start(tmp_path: Path) -> None:
    need_models()
    ended = subprocess.run(
        [*COMMAND, "serve", "--host", "0.0.0.0"],
        cwd=tmp_path,
        env=environment(tmp_path, SMALL),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert ended.returncode != 0
    assert "sayso keys new" in ended.stderr + ended.stdout
