"""Each route is documented, and each documented operation has a route."""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from backends.ingress.http_app import make_app
from backends.ingress.openapi import OPERATIONS
from backends.ingress.pages import OwnPages
from protocol.admission.scopes import CLOSED, FOLDERS, PATHS
from tests.backends.ingress.test_http_app import ACCESS, AUDIO, SERVICES


def routes_of_the_app() -> set[tuple[str, str]]:
    console: Any = object()
    chats: Any = object()
    app = make_app(attrs.evolve(SERVICES, access=ACCESS, console=console), AUDIO, chats)
    return {
        (method.lower(), re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def own_pages() -> set[tuple[str, str]]:
    class NoFigures:
        def __getattr__(self, name: str) -> Mapping[str, Any]:
            raise AssertionError(f"{name} is not asked for the routes")

    figures: Any = NoFigures()
    return {("get", path) for path in OwnPages(figures).routes()}


def test_the_operations_are_the_routes_of_the_app_and_our_own_pages() -> None:
    documented = [(operation.method, operation.path) for operation in OPERATIONS]
    assert sorted(documented) == sorted(routes_of_the_app() | own_pages())


def test_who_may_ask_is_said_of_each_operation() -> None:
    def scopes_of(path: str) -> object:
        found = next((scopes for folder, scopes in FOLDERS.items() if path.startswith(folder)), CLOSED)
        return PATHS.get(path, found)

    assert [operation.path for operation in OPERATIONS if scopes_of(operation.path) is CLOSED] == []
