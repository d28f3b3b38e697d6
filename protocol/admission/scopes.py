"""Which scope of a key each request needs; pure.

Rules kept here:

* Health checks, and what somebody needs to log in, are open.
* Every route stands in the table; a path that does not needs ``operate``. So a new route is closed until it is listed.
* Paths are compared as they were sent: one written with %-escapes is not in the table.
* No scope includes another: a key that reads cannot talk, and one that operates cannot read.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from protocol.messages.identity import Grant, Scope

READING: Final = frozenset({"GET", "HEAD"})
ANYONE: Final[frozenset[Scope]] = frozenset()
TALK: Final = frozenset({Scope.TALK})
READ: Final = frozenset({Scope.READ})
OPERATE: Final = frozenset({Scope.OPERATE})
ANY_SCOPE: Final = frozenset(Scope)


@attrs.frozen
class PathScopes:
    """The scopes for one path, or for all below it: any one of them suffices, and nothing stands for anyone."""

    reading: frozenset[Scope]
    """For GET and HEAD."""
    writing: frozenset[Scope] = OPERATE
    """For every other method."""


PATHS: Final[Mapping[str, PathScopes]] = {
    "/": PathScopes(ANYONE),
    "/openapi.json": PathScopes(ANYONE),
    "/asyncapi.json": PathScopes(ANYONE),
    "/health": PathScopes(ANYONE, ANYONE),
    "/metrics": PathScopes(READ),
    "/ws": PathScopes(TALK),
    "/console": PathScopes(ANYONE),
    "/api/access": PathScopes(READ),
    "/api/actors": PathScopes(READ),
    "/api/audit": PathScopes(OPERATE),
    "/api/commands": PathScopes(TALK | READ),
    "/api/conversations": PathScopes(READ),
    "/api/drain": PathScopes(OPERATE),
    "/api/login": PathScopes(ANYONE, ANYONE),
    "/api/logout": PathScopes(ANYONE, ANYONE),
    "/api/models": PathScopes(TALK | READ),
    "/api/models/load": PathScopes(OPERATE),
    "/api/models/unload": PathScopes(OPERATE),
    "/api/notices": PathScopes(READ),
    "/api/sessions": PathScopes(READ),
    "/api/status": PathScopes(READ),
    "/api/status/history": PathScopes(READ),
    "/api/status/stream": PathScopes(READ),
    "/api/tokens": PathScopes(ANY_SCOPE, ANY_SCOPE),
    "/api/tools": PathScopes(READ),
    "/api/turns": PathScopes(READ),
}
FOLDERS: Final[Mapping[str, PathScopes]] = {
    "/health/": PathScopes(ANYONE, ANYONE),
    "/web/": PathScopes(ANYONE),
    "/api/conversations/": PathScopes(READ),
    "/api/actors/": PathScopes(OPERATE),
    "/api/sessions/": PathScopes(READ),
    "/v1/": PathScopes(TALK, TALK),
}
CLOSED: Final = PathScopes(OPERATE)


def needed_scopes(method: str, path: str) -> frozenset[Scope]:
    """Return the scopes of which a request needs one; none if anyone may send it."""
    if method == "OPTIONS":  # a browser's question whether a page may ask, and what the server can
        return ANYONE
    found = PATHS.get(path)
    if found is None:
        found = next((scopes for folder, scopes in FOLDERS.items() if path.startswith(folder)), CLOSED)
    return found.reading if method in READING else found.writing


def allows(grant: Grant, needed: frozenset[Scope]) -> bool:
    """Return whether a key has one of the scopes that a request needs."""
    return not grant.scopes.isdisjoint(needed)


def in_words(scopes: frozenset[Scope]) -> str:
    """Return scopes as an error names them, such as ``talk or read``."""
    return " or ".join(scope.value for scope in Scope if scope in scopes)
