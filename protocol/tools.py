"""Which tool calls are allowed, and how a model's names are understood; pure."""

import enum
from collections.abc import Mapping, Sequence

from protocol.events import Source
from protocol.messages import ToolSpec


class Policy(enum.Enum):
    """What has to happen before a call is made."""

    ALLOW = "allow"
    CONFIRM = "confirm"


def policy_for(spec: ToolSpec | None, source: Source, *, is_doubtful: bool) -> Policy:
    """Return the policy for a call.

    MCP annotations are hints of the server's author: ``read_only`` allows, everything unknown is confirmed for
    calls that a model chose. An exact command of the user's own grammar is the user's word, unless the transcript
    is doubtful.
    """
    if spec is not None and spec.read_only:
        return Policy.ALLOW
    if source == "command" and not is_doubtful:
        return Policy.ALLOW
    return Policy.CONFIRM


def index_tools(specs: Sequence[ToolSpec]) -> Mapping[str, ToolSpec]:
    """Return the tools by the name that a model calls them by; a name that two servers share gets the server's name."""
    names = [spec.name for spec in specs]
    return {spec.name if names.count(spec.name) == 1 else f"{spec.server}__{spec.name}": spec for spec in specs}


AGREEMENT = frozenset({"yes", "yeah", "yep", "sure", "ok", "okay", "do it", "go ahead", "please do", "ja", "jawohl"})
REFUSAL = frozenset({"no", "nope", "don't", "do not", "stop", "cancel", "never mind", "nein"})


def consent_of(text: str) -> bool | None:
    """Return whether a spoken answer agrees (``True``), refuses (``False``) or is neither (``None``)."""
    words = text.lower().strip().strip(".!?, ").replace(",", "")
    if words in AGREEMENT or words.split(" ", 1)[0] in AGREEMENT:
        return True
    if words in REFUSAL or words.split(" ", 1)[0] in REFUSAL:
        return False
    return None
