import attrs
import pytest

from assembly.dialects import DIALECTS
from backends.ingress.http_app import make_app
from backends.ingress.pages import OwnPages
from protocol.admission.scopes import FOLDERS, PATHS, allows, in_words, needed_scopes
from protocol.messages.identity import Grant, Scope
from tests.backends.ingress.test_http_app import ACCESS, AUDIO, SERVICES

TALK, READ, OPERATE = Scope.TALK, Scope.READ, Scope.OPERATE


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/health", set()),
        ("GET", "/health/detailed", set()),
        ("GET", "/", set()),
        ("OPTIONS", "/api/drain", set()),
        ("GET", "/ws", {TALK}),
        ("POST", "/v1/audio/transcriptions", {TALK}),
        ("GET", "/v1/models", {TALK}),
        ("GET", "/v1/models/tiny.en", {TALK}),
        ("GET", "/api/status", {READ}),
        ("HEAD", "/metrics", {READ}),
        ("GET", "/api/conversations", {READ}),
        ("DELETE", "/api/conversations", {OPERATE}),
        ("GET", "/api/conversations/s1", {READ}),
        ("DELETE", "/api/conversations/s1", {OPERATE}),
        ("GET", "/api/commands", {TALK, READ}),
        ("GET", "/api/models", {READ, TALK}),
        ("POST", "/api/models/load", {OPERATE}),
        ("POST", "/api/drain", {OPERATE}),
        ("POST", "/api/status", {OPERATE}),
    ],
)
def test_each_route_needs_a_scope(method: str, path: str, scopes: set[Scope]) -> None:
    assert needed_scopes(method, path) == scopes


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/nothing",
            "/healthy",
            "/health%2f",
            "/%68ealth",
            "/api/dr%61in",
            "//health",
            "/V1/models",
            "/v1",
            "/ws/",
            "",
        ),
        *("/api/../health", "/metrics/", "*", "/api/status\x00", "/' OR 1=1"),
    ],
)
def test_a_path_that_is_not_listed_needs_operate(path: str) -> None:
    assert needed_scopes("GET", path) == {OPERATE}
    assert needed_scopes("POST", path) == {OPERATE}


def test_every_route_of_the_server_is_listed() -> None:
    app = make_app(attrs.evolve(SERVICES, access=ACCESS), AUDIO)
    routes = {rule.rule for rule in app.url_map.iter_rules()} | set(OwnPages.__new__(OwnPages).routes()) | set(DIALECTS)
    missing = {path for path in routes if path not in PATHS and not path.startswith(tuple(FOLDERS))}
    assert not missing


def test_no_scope_includes_another() -> None:
    for scope in Scope:
        grant = Grant("k", frozenset({scope}))
        assert [other for other in Scope if allows(grant, frozenset({other}))] == [scope]
    assert allows(Grant("k", frozenset({READ})), frozenset({TALK, READ}))
    assert not allows(Grant("k", frozenset()), frozenset(Scope))


def test_scopes_are_named_in_one_order() -> None:
    assert in_words(frozenset({READ, TALK})) == "talk or read"
