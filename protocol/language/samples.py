"""Chooses sample sentences for a user that asks what can be said; pure."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from protocol.language.languages import primary
from protocol.language.phrases import HELP, HELP_LAST, phrase
from protocol.messages.understanding import CommandSamples

HANDFUL: Final = 5  # as many as a listener keeps in mind
MAX_TOLD_CHARS: Final = 60


def help_text(samples: Sequence[CommandSamples], language: str) -> str | None:
    """Return a handful of sentences as an answer; ``None`` if there are none in ``language``."""
    told = [f'"{text}"' for text in handful(samples, language)]
    if not told:
        return None
    *first, last = told
    both = phrase(HELP_LAST, language, first=", ".join(first), last=last) if first else last
    return phrase(HELP, language, examples=both)


def handful(samples: Sequence[CommandSamples], language: str, count: int = HANDFUL) -> tuple[str, ...]:
    """Return up to ``count`` sentences of different tools: in turn from each server, spread over its tools.

    The servers come in the order of ``samples``. Sentences with free text and long ones are left out.
    """
    servers = [list(tools.values()) for tools in _by_server(samples, primary(language)).values()]
    shares = [_share(count, len(servers), at) for at in range(len(servers))]
    spread = [_spread(tools, share) for tools, share in zip(servers, shares, strict=True)]
    mixed = [text for row in zip_longest(*spread) for text in row if text is not None]
    rest = [text for tools in servers for text in tools if text not in mixed]
    return tuple([*mixed, *rest][:count])


def _by_server(samples: Sequence[CommandSamples], language: str) -> Mapping[str, Mapping[str, str]]:
    """Return server to tool to its first sentence that can be told."""
    found: dict[str, dict[str, str]] = {}
    for command in samples:
        told = next((text for text in command.samples if "…" not in text and len(text) <= MAX_TOLD_CHARS), None)
        if command.language == language and told is not None:
            found.setdefault(command.server, {}).setdefault(command.tool, told)
    return found


def _share(count: int, servers: int, at: int) -> int:
    """Return how many of ``count`` the server at ``at`` gets; the first ones get one more where it does not divide."""
    return count // servers + (at < count % servers)


def _spread(texts: Sequence[str], count: int) -> Sequence[str]:
    """Return ``count`` of ``texts``, evenly from the first to the last."""
    return [texts[at * len(texts) // count] for at in range(count)] if count < len(texts) else texts
