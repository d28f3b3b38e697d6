"""Runs a program that ends with its parent: ``python -m backends.replicas.with_parent PROGRAM ...``.

The kernel sends it SIGTERM when the thread that started it ends, so that servers leave in order and no proxy keeps a
port whose servers are gone. Where the kernel cannot do so (only Linux can), the program runs all the same.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2); kept across execve(2)


def main(command: list[str]) -> None:
    """Replace this process by ``command``; does not return. Raises ``OSError`` if there is no such program."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execvp(command[0], command)  # noqa: S606 - an argument vector, without a shell


if __name__ == "__main__":
    main(sys.argv[1:])
