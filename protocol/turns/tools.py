"""Which tool calls are allowed, and how a model's names are understood; pure."""

import enum
from collections.abc import Mapping, Sequence

import attrs

from protocol.messages.event_values import CLIENT_SERVER
from protocol.messages.events import Source
from protocol.messages.understanding import Guess, ToolSpec


class Policy(enum.Enum):
    """What the operator's or the default policy requires before a call."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    DENY = "deny"


@attrs.frozen(kw_only=True)
class Circumstances:
    """The origin of a call, and the reasons to doubt it."""

    source: Source
    is_doubtful: bool = False
    """The transcript is not sure."""
    is_inexact: bool = False
    """The command was matched with words exchanged for others that sound alike, or in a hypothesis below the first."""
    is_influenced: bool = False
    """A tool's result was in the context of the model that chose the call: it may be injected."""
    guess: Guess | None = None
    """How the call was understood, if by the meaning of the words."""
    is_sweeping: bool = False
    """The call was spoken, and is about everything at once, by an argument ``all``."""


def policy_for(spec: ToolSpec | None, now: Circumstances, configured: Policy | None = None) -> Policy:
    """Return the policy for a call; ``spec`` is ``None`` where the server says nothing of the tool now.

    The operator's ``deny`` and ``confirm`` always hold. MCP annotations are hints of the server's author:
    ``read_only`` allows, everything else is confirmed for calls that a model chose, unless the operator allowed the
    tool and nothing from outside has influenced the model. An exact command of the user's own grammar is the user's
    word. Doubt turns every ``allow`` for more than reading into ``confirm``, and a command that was not said exactly
    is confirmed where its tool destroys something, or nothing is known of the tool: "delete my last vote" may not
    delete a note unasked, but "sat a timer" sets one. So is a spoken command that destroys everything at once. What
    was only understood by its meaning is confirmed unless it reads, and where the meaning is not sure even then.
    A tool of the client is executed by the client, which knows whom to ask.
    """
    if configured in (Policy.DENY, Policy.CONFIRM):
        return configured
    if now.guess is not None and not now.guess.is_sure:
        return Policy.CONFIRM
    if spec is not None and (spec.read_only or spec.server == CLIENT_SERVER):
        return Policy.ALLOW
    if now.is_doubtful or now.guess is not None or (now.is_inexact and (spec is None or spec.destructive)):
        return Policy.CONFIRM
    is_great_loss = now.is_sweeping and spec is not None and spec.destructive
    if now.source == "command" and not is_great_loss:
        return Policy.ALLOW
    return Policy.ALLOW if configured is Policy.ALLOW and not now.is_influenced else Policy.CONFIRM


def configured_policy(policies: Mapping[str, str], server: str, tool: str) -> Policy | None:
    """Return what the operator says of a tool, the more exact word first: ``server/tool``, ``server/*``, ``*``."""
    for name in (f"{server}/{tool}", f"{server}/*", "*"):
        if name in policies:
            return Policy(policies[name])
    return None


def index_tools(specs: Sequence[ToolSpec]) -> Mapping[str, ToolSpec]:
    """Return the tools by the name that a model calls them by; a name that two servers share gets the server's name."""
    names = [spec.name for spec in specs]
    return {spec.name if names.count(spec.name) == 1 else f"{spec.server}__{spec.name}": spec for spec in specs}


AGREEMENT = frozenset(
    {
        "yes",
        "yeah",
        "yep",
        "sure",
        "ok",
        "okay",
        "do it",
        "go ahead",
        "please do",
        "ja",
        "jawohl",
        "klar",
        "gerne",
        "gern",
        "mach das",
    }
)
STOP = frozenset(
    {
        "stop",
        "cancel",
        "never mind",
        "nevermind",
        "forget it",
        "drop it",
        "halt",
        "stopp",
        "abbrechen",
        "lass es",
        "vergiss es",
    }
)
"""Refuses the call that is asked about, and all that the same sentence asked for besides."""
REFUSAL = frozenset({"no", "nope", "don't", "do not", "nein", "nicht"}) | STOP


def consent_of(text: str) -> bool | None:
    """Return whether a spoken answer agrees (``True``), refuses (``False``) or is neither (``None``)."""
    if _is_of(AGREEMENT, text):
        return True
    return False if _is_of(REFUSAL, text) else None


def stops_all(text: str) -> bool:
    """Return whether a refusal is meant for everything that the turn was to do."""
    return _is_of(STOP, text)


def _is_of(sentences: frozenset[str], text: str) -> bool:
    words = text.lower().strip().strip(".!?, ").replace(",", "")
    return words in sentences or words.split(" ", 1)[0] in sentences
