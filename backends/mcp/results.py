"""Converts what MCP servers send to the values that actors use; pure. It is untrusted text, so it is bounded."""

import json
from collections.abc import Iterator, Sequence

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    Prompt,
    Resource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)

from backends.mcp.announcements import CHOICES_META_KEY, REVERSIBLE_META_KEY, UNDO_META_KEY
from protocol.messages.understanding import Choice, McpOffer, ToolSpec, Undo

MAX_DESCRIPTION_CHARS = 2_000  # it goes into every prompt
MAX_TOOLS = 512  # of one server: no model chooses well among more
MAX_NAME_CHARS = 128  # MCP's own bound
MAX_SCHEMA_BYTES = 65_536  # of one tool, as JSON; large ones have 10 kB
MAX_LISTING_BYTES = 1 << 20  # of all schemas of one server
MAX_CHOICES = 20  # more are not read aloud
MAX_CHOICE_CHARS = 1_000  # of the arguments, as JSON
MAX_UNDO_CHARS = 16_384  # the same: what was deleted may come back by it
CUT = " [cut]"


def result_text(result: CallToolResult, max_chars: int) -> str:
    """Return a call's result as text of at most ``max_chars``; structured content only if there is no other."""
    text = "\n".join(_pieces(result.content)).strip()
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"), default=str)
    return bounded(text, max_chars)


def choices_of(result: CallToolResult) -> tuple[Choice, ...]:
    """Return what the server says the call may have meant; one that is not well formed is left out, as are many."""
    told = (result.meta or {}).get(CHOICES_META_KEY)
    if not isinstance(told, list) or not 1 < len(told) <= MAX_CHOICES:
        return ()
    return tuple(
        Choice(bounded(entry["title"], MAX_NAME_CHARS), entry["arguments"])
        for entry in told
        if isinstance(entry, dict)
        and isinstance(entry.get("title"), str)
        and isinstance(entry.get("arguments"), dict)
        and len(json.dumps(entry["arguments"], default=str)) <= MAX_CHOICE_CHARS
    )


def undo_of(result: CallToolResult) -> Undo | None:
    """Return how the server says that the call is taken back; ``None`` if it says nothing, or nothing well formed."""
    told = (result.meta or {}).get(UNDO_META_KEY)
    if not isinstance(told, dict) or result.is_error:
        return None
    tool, arguments = told.get("tool"), told.get("arguments")
    if not isinstance(tool, str) or not 0 < len(tool) <= MAX_NAME_CHARS or not isinstance(arguments, dict):
        return None
    return Undo(tool, arguments) if len(json.dumps(arguments, default=str)) <= MAX_UNDO_CHARS else None


def taken_tools(server: str, tools: Sequence[Tool], *, has_more: bool = False) -> tuple[list[ToolSpec], list[str]]:
    """Return the accepted tools of a server's list, and the reasons for those left out.

    ``has_more`` says that the list goes on beyond ``tools``.
    """
    taken: list[ToolSpec] = []
    left_out: list[str] = []
    rest_bytes = MAX_LISTING_BYTES
    for number, tool in enumerate(tools[:MAX_TOOLS]):
        if len(tool.name) > MAX_NAME_CHARS:
            left_out.append(f"a tool whose name has {len(tool.name)} characters, at most {MAX_NAME_CHARS} are taken")
            continue
        size = len(json.dumps(tool.input_schema, ensure_ascii=False, default=str).encode())
        if size > MAX_SCHEMA_BYTES:
            left_out.append(f"{tool.name}, whose schema has {size} bytes, at most {MAX_SCHEMA_BYTES} are taken")
            continue
        rest_bytes -= size
        if rest_bytes < 0:
            left_out.append(f"all from tool {number + 1} on: the schemas together have over {MAX_LISTING_BYTES} bytes")
            return taken, left_out
        taken.append(tool_spec(server, tool))
    if has_more or len(tools) > MAX_TOOLS:
        left_out.append(f"all from tool {MAX_TOOLS + 1} on: at most {MAX_TOOLS} are taken from one server")
    return taken, left_out


def tool_spec(server: str, tool: Tool) -> ToolSpec:
    """Return a listed tool as a ``ToolSpec``, with the hints of its author."""
    hints = tool.annotations
    return ToolSpec(
        server=server,
        name=tool.name,
        description=bounded(tool.description or tool.title or "", MAX_DESCRIPTION_CHARS),
        input_schema=tool.input_schema,
        read_only=None if hints is None else hints.read_only_hint,
        destructive=None if hints is None else hints.destructive_hint,
        idempotent=None if hints is None else hints.idempotent_hint,
        title=bounded(tool.title or (hints and hints.title) or "", MAX_NAME_CHARS),
        is_reversible=(tool.meta or {}).get(REVERSIBLE_META_KEY) is True,
    )


def resource_offer(server: str, resource: Resource) -> McpOffer:
    """Return a listed resource."""
    description = bounded(resource.description or resource.title or "", MAX_DESCRIPTION_CHARS)
    return McpOffer(server, "resource", resource.name, description, str(resource.uri))


def prompt_offer(server: str, prompt: Prompt) -> McpOffer:
    """Return a listed prompt."""
    return McpOffer(
        server, "prompt", prompt.name, bounded(prompt.description or prompt.title or "", MAX_DESCRIPTION_CHARS)
    )


def bounded(text: str, max_chars: int) -> str:
    """Return ``text``, cut where it is longer than ``max_chars``."""
    return text if len(text) <= max_chars else text[: max_chars - len(CUT)] + CUT


def _pieces(content: Sequence[ContentBlock]) -> Iterator[str]:
    for block in content:
        match block:
            case TextContent():
                yield block.text
            case ImageContent() | AudioContent():
                yield f"[{block.type}, {block.mime_type}]"
            case ResourceLink():
                yield f"[{block.name}: {block.uri}]"
            case EmbeddedResource(resource=TextResourceContents() as resource):
                yield resource.text
            case EmbeddedResource():
                yield f"[resource {block.resource.uri}]"
