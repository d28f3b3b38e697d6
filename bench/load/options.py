"""Flags that the load benchmarks share."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TARGET_MS: Final = 1_500.0  # 0.5 s of silence that ends an utterance, the guide's 0.5 s for STT, and as much again


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the flags that all have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=1, help="of arrivals and of what is said")
    made.add_argument("--target-ms", type=float, default=TARGET_MS, help="last voice to transcript, p95")
    made.add_argument("--corpus", type=Path, help="a folder of WAV files to speak instead of commands by Piper")
    made.add_argument("--processes", type=int, default=1, help="client processes; one carries some 200 callers")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    return made


def parsed(made: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the flags; exits where one cannot be used."""
    options = made.parse_args(arguments)
    if options.processes < 1:
        made.error(f"--processes must be >= 1, not {options.processes}")
    if options.corpus is not None and not any(options.corpus.glob("*.wav")):
        made.error(f"--corpus must be a folder with .wav files, not {options.corpus}")
    if bad := [text for text in options.set if "=" not in text]:
        made.error(f"--set must be like transcription.workers=1, not {bad[0]}")
    return options


def settings(options: argparse.Namespace) -> dict[str, str]:
    """Return the settings of the ``--set`` flags."""
    return {name: value for name, _, value in (text.partition("=") for text in options.set)}
