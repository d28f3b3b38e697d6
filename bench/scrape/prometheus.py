"""A Prometheus of our own for a while: a process with its configuration and its data in a folder that is deleted."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from bench.load.server import poll
from bench.scrape.expressions import Answer

INSTALL: Final = "apt-get install prometheus"
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
HTTP_TIMEOUT_S: Final = 10.0


@attrs.frozen
class Prometheus:
    """One that runs."""

    url: str

    def get(self, path: str, **parameters: object) -> Any:
        """Return the data of an answer of its API; raises ``ValueError`` with its explanation of an error."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=HTTP_TIMEOUT_S) as answer:
                page = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode(errors="replace")) from error
        if page["status"] != "success" or page.get("warnings"):
            raise ValueError(str(page.get("error") or page.get("warnings")))
        return page["data"]

    def asked(self, expression: str, start: float, end: float, step_s: float) -> Answer:
        """Ask for an expression over a time; both ends are Unix times."""
        began_s = time.monotonic()
        try:
            found = self.get("query_range", query=expression, start=start, end=end, step=step_s)
        except ValueError as error:
            return Answer(error=str(error))
        has_value = [one for one in found["result"] if any(value != "NaN" for _, value in one["values"])]
        return Answer(len(has_value), took_ms=1000 * (time.monotonic() - began_s))


def programs() -> None:
    """Exit with the way to get Prometheus where it is not installed."""
    if missing := [name for name in ("prometheus", "promtool") if shutil.which(name) is None]:
        sys.exit(f"{' and '.join(missing)} not found: {INSTALL}")


def checked(*arguments: str, given: str = "") -> str:
    """Return what ``promtool check`` complains about; empty if nothing."""
    done = subprocess.run(
        ["promtool", "check", *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


@contextmanager
def scraping(folder: Path, configuration: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Run Prometheus for the block; exits with its log where it does not start."""
    file, log = folder / "prometheus.yml", folder / "prometheus.log"
    file.write_text(yaml.safe_dump(dict(configuration)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address={address}", "--enable-feature=exemplar-storage", "--log.level=warn"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        if poll(lambda: process.poll() is not None or _is_ready(address), START_TIMEOUT_S) is None or process.poll():
            sys.exit(f"prometheus did not start:\n{log.read_text(errors='replace')}")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(address: str) -> bool:
    with urllib.request.urlopen(f"http://{address}/-/ready", timeout=HTTP_TIMEOUT_S) as answer:
        return bool(answer.status == 200)
