"""Fixtures of the system tests: one session-scoped server for all files."""

from tests.system.model_fixtures import run_models
from tests.system.server_fixtures import server, small_server
from tests.system.speech_fixtures import piper, spoken

__all__ = ["piper", "run_models", "server", "small_server", "spoken"]
