"""The machine: what it has left, and the programs that may be started on it.

Rules kept here:

* Only programs of the allow-list are started, by their spoken name, with the argument vector written there.
* Never a shell; nothing that was said becomes an argument. A program is detached: it outlives this server.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import psutil

from backends.builtin.wording import digits, duration_words, listed, told

Topic = Literal["all", "memory", "disk", "cpu", "battery", "uptime"]
GIGABYTE = 1000**3  # as disks are sold, and as convert_units counts
CPU_SAMPLE_S = 0.2  # long enough for a stable figure, short enough for a conversation
MAX_RUNNING = 50
START_CHECK_S = 0.3  # a program that fails at once fails within this


class ProgramError(RuntimeError):
    """A program cannot be started; the message is fit to be spoken."""


def system_text(topic: Topic, data_dir: Path) -> str:
    """Say how the machine is; ``data_dir`` tells which disk is meant. Takes ``CPU_SAMPLE_S`` for the processor."""
    parts = {
        "memory": _memory,
        "disk": lambda: _disk(data_dir),
        "cpu": _cpu,
        "battery": _battery,
        "uptime": _uptime,
    }
    if topic != "all":
        return parts[topic]()
    sentences = [parts[name]() for name in ("cpu", "memory", "disk")]
    return " ".join([*sentences, *([_battery()] if _read_battery() else [])])


def _memory() -> str:
    memory = psutil.virtual_memory()
    return told(
        "{free} of {total} gigabytes of memory are free.",
        free=digits(f"{memory.available / GIGABYTE:.1f}"),
        total=digits(f"{memory.total / GIGABYTE:.1f}"),
    )


def _disk(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    disk = psutil.disk_usage(str(existing))
    free, total = f"{disk.free / GIGABYTE:.0f}", f"{disk.total / GIGABYTE:.0f}"
    return told("{free} of {total} gigabytes of disk space are free.", free=free, total=total)


def _cpu() -> str:
    percent = psutil.cpu_percent(interval=CPU_SAMPLE_S)
    return told("The processor is {percent} percent busy.", percent=round(percent))


def _uptime() -> str:
    return told(
        "The machine has been running for {duration}.", duration=duration_words(time.time() - psutil.boot_time())
    )


def _read_battery() -> tuple[float, bool] | None:
    """Return charge in percent and whether it is charging; None on a machine without a battery."""
    sensor = getattr(psutil, "sensors_battery", None)  # psutil has it only where the platform does
    battery = None if sensor is None else sensor()
    return None if battery is None else (float(battery.percent), bool(battery.power_plugged))


def _battery() -> str:
    battery = _read_battery()
    if battery is None:
        return told("This machine has no battery.")
    percent, is_charging = battery
    if is_charging:
        return told("The battery is at {percent} percent and charging.", percent=round(percent))
    return told("The battery is at {percent} percent.", percent=round(percent))


class Programs:
    """The allow-list: spoken name to argument vector."""

    def __init__(self, vectors: Mapping[str, Sequence[str]]) -> None:
        empty = [name for name, vector in vectors.items() if not vector or not name.strip()]
        if empty:
            raise ValueError(f"a program must have a name and at least its command, not {empty}")
        self._vectors = {_key(name): tuple(vector) for name, vector in vectors.items()}
        self._started: list[subprocess.Popen[bytes]] = []  # until they end, so that none stays a zombie

    def start(self, name: str) -> str:
        """Start the program called ``name``; raises ``ProgramError`` if it is not allowed or does not start."""
        vector = self._vectors.get(_key(name))
        if vector is None:
            known = listed(sorted(self._vectors)) or told("none")
            raise ProgramError(told("I may not start {name}. Allowed: {known}.", name=name.strip(), known=known))
        self._started = [process for process in self._started if process.poll() is None]
        if len(self._started) >= MAX_RUNNING:
            raise ProgramError(told("{count} programs are running already.", count=MAX_RUNNING))
        try:
            process = subprocess.Popen(
                vector,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise ProgramError(told("{name} did not start: {reason}.", name=name.strip(), reason=reason)) from error
        self._started.append(process)
        return _first_look(name.strip(), process)


def _first_look(name: str, process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(START_CHECK_S)
    except subprocess.TimeoutExpired:
        return told("Started {name}.", name=name)
    if code != 0:
        raise ProgramError(told("{name} ended at once with code {code}.", name=name, code=code))
    return told("{name} is done.", name=name)


def _key(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").split())
