"""Checks a call's arguments against its tool's schema before anything is sent.

Rules kept here:

* A schema comes from a foreign server: an invalid one is ignored, and references are never fetched.
* The error names the argument and the rule, because a model reads it and tries again.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

log = logging.getLogger("sayso.mcp")
MAX_ERROR_CHARS: Final = 200


class Checker:
    """Checks arguments against one tool's JSON Schema (draft 2020-12, MCP's default).

    The schema itself is looked at with the first call: for hundreds of tools that takes too long to do at once.
    """

    def __init__(self, tool: str, schema: Mapping[str, Any]) -> None:
        self._tool = tool
        self._schema: Mapping[str, Any] | None = schema
        self._validator: Draft202012Validator | None = None

    def problem(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the arguments in one sentence, ``None`` if nothing is."""
        if self._schema is not None:
            self._validator, self._schema = self._checked(self._schema), None
        if self._validator is None:
            return None
        try:
            error = best_match(self._validator.iter_errors(dict(arguments)))
        except Unresolvable as unresolved:
            log.warning("the schema of %s refers to something elsewhere: %s", self._tool, unresolved)
            self._validator = None
            return None
        if error is None:
            return None
        where = ".".join(str(step) for step in error.absolute_path)
        told = f"{where}: {error.message}" if where else error.message
        return f"wrong arguments for {self._tool}: {told[:MAX_ERROR_CHARS]}"

    def _checked(self, schema: Mapping[str, Any]) -> Draft202012Validator | None:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            log.warning("%s has a schema that is none, so its arguments are not checked: %s", self._tool, error.message)
            return None
        return Draft202012Validator(schema, registry=Registry())
