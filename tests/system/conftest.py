"""Fixtures of the system tests: one session-scoped server for all files."""

from tests.system.server_fixtures import server, small_server
from tests.system.speech_fixtures import spoken

__all__ = ["server", "small_server", "spoken"]
