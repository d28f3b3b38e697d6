"""MCP servers and what tools may do."""

from collections.abc import Mapping
from typing import Any, Literal

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S

Consent = Literal["allow", "confirm", "deny"]


@attrs.frozen(kw_only=True)
class ToolsSettings:
    """MCP servers."""

    servers: Mapping[str, Mapping[str, Any]]
    """As MCP clients write them: name to ``{command, args, env, cwd}`` or ``{url, headers}``."""
    builtin: bool
    call_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    client_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    connect_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    result_max_chars: int = attrs.field(validator=[ge(100), le(10_000_000)])
    programs: Mapping[str, tuple[str, ...]]
    """The allow-list of the built-in server: spoken name to argument vector."""
    policy: Mapping[str, Consent]
    """``server/tool``, ``server/*`` or ``*`` to ``allow``, ``confirm`` or ``deny``."""
