"""Misbehaviour on demand, put into a server from outside by ``PYTHONPATH``: the product itself has no hooks.

Python imports this at the start of each process, the server's and its workers'. A signal then lets the process leak
50 MB a second, keep four threads busy that fight for the interpreter's lock, or block its event loop.
"""

import signal
import threading
import time
from types import FrameType

LEAK, HOG, BLOCK = signal.SIGRTMIN, signal.SIGRTMIN + 1, signal.SIGRTMIN + 2
LEAK_BYTES = 5 << 20
LEAK_EVERY_S = 0.1
HOGS = 4
HOG_S = 8.0
BLOCK_S = 3.0


def _leak(*_: int | FrameType | None) -> None:
    threading.Thread(target=_grow, daemon=True).start()


def _grow() -> None:
    kept: list[bytes] = []
    began_s = time.monotonic()
    while True:
        while len(kept) * LEAK_EVERY_S < time.monotonic() - began_s:
            kept.append(b"x" * LEAK_BYTES)
        time.sleep(LEAK_EVERY_S)


def _hog(*_: int | FrameType | None) -> None:
    for _number in range(HOGS):
        threading.Thread(target=_spin, daemon=True).start()


def _spin() -> None:
    until_s = time.monotonic() + HOG_S
    while time.monotonic() < until_s:
        pass


def _block(*_: int | FrameType | None) -> None:
    time.sleep(BLOCK_S)


signal.signal(LEAK, _leak)
signal.signal(HOG, _hog)
signal.signal(BLOCK, _block)
