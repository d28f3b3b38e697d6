"""Flags that several benchmarks share."""

import argparse
from typing import Final

from bench.part import Flag, at_least_one, wav_folder

TARGET_MS: Final = 1_500.0  # 0.5 s of silence that ends an utterance, the guide's 0.5 s for STT, and as much again


def setting(text: str) -> tuple[str, str]:
    """Return the name and the value of a server's setting."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be like transcription.workers=1, not {text}")
    return name, value


SEED: Final = Flag("--seed", 1, "of arrivals and of what is said")
URL: Final = Flag("--url", None, "a server that runs already")
CORPUS: Final = Flag("--corpus", None, "a folder of WAV files to speak instead of commands by Piper", wav_folder)
SETTINGS: Final = Flag("--set", [], "a setting of the server", setting, {"action": "append", "metavar": "NAME=VALUE"})
CALLERS: Final = (
    SEED,
    CORPUS,
    SETTINGS,
    Flag("--target-ms", TARGET_MS, "last voice to transcript, p95"),
    Flag("--processes", 1, "client processes; one carries some 200 callers", at_least_one),
)
