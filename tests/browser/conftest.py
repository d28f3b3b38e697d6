"""Fixtures of the browser tests: one browser and one server for all of them."""

from tests.browser.browser_fixtures import browser, listening_browser
from tests.browser.console_server import watched_server
from tests.browser.page_server import page_server
from tests.system.model_fixtures import run_models

__all__ = ["browser", "listening_browser", "page_server", "run_models", "watched_server"]
