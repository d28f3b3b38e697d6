"""Finds the commands of a sentence that holds several of them: "turn on the light and set a timer"; pure.

Rules kept here:

* The grammar is asked for the whole sentence first. It is cut only where every part is a command by itself, said
  exactly; the longest parts come first, so that "milk and eggs" stays together.
* A whole whose free text holds the "and" gives way to parts that are all said without any free text.
* A later part may leave out what the part before it said ("... and the bedroom light", "... and another for ten"), if
  exactly one slot differs then, or if it leaves out nothing but the verb. Such a part is less sure, so what destroys
  something is asked about.
* At most ``MAX_PARTS`` parts and ``MAX_LOOKED_UP`` questions to the grammar.

The search asks by yielding a text, and is sent its match: who drives it decides how long the event loop is held.
"""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Final

import attrs

from protocol.audio.early import NUMBERS
from protocol.language.joints import pieces_of
from protocol.language.languages import primary
from protocol.messages.understanding import CommandMatch

MAX_PARTS: Final = 5
MAX_LOOKED_UP: Final = 24  # as many as words are exchanged for others that sound alike
ELLIPTICAL_CONFIDENCE: Final = 0.95
MAX_SLOTS: Final = 10  # more than any command has

_LEADS: Final[Mapping[str, str]] = {
    "en": r"(?:another one|another|one more|one|also)\b",
    "de": r"(?:noch einen|noch eine|noch eins|noch ein|einen weiteren|einen|auch)\b",
}
"""What stands for the thing that the part before named."""
_VERBS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "add", "append", "ask", "buy", "call", "cancel", "change", "check", "clear", "close", "cross", "delete", "dim",
        "do", "erase", "extend", "find", "get", "give", "go", "help", "let", "list", "lock", "make", "mark", "move",
        "note", "open", "order", "pause", "play", "put", "read", "remind", "remove", "rename", "reset", "resume", "say",
        "scratch", "send", "set", "show", "shut", "start", "stop", "strike", "switch", "take", "tell", "throw", "turn",
        "unlock", "wake", "wipe", "write",
    }),
    "de": frozenset({
        "aktiviere", "bestell", "bestelle", "entferne", "erinner", "erinnere", "erzähl", "erzähle", "fang", "fange",
        "find", "finde", "frag", "frage", "füg", "füge", "gib", "hak", "hake", "halt", "halte", "hol", "hole", "kauf",
        "kaufe", "leg", "lege", "lies", "lösch", "lösche", "mach", "mache", "nenn", "nenne", "nimm", "notier",
        "notiere", "pack", "packe", "pausier", "pausiere", "ruf", "rufe", "sag", "sage", "schalt", "schalte", "schick",
        "schicke", "schließ", "schließe", "schreib", "schreibe", "setz", "setze", "sperr", "sperre", "spiel", "spiele",
        "start", "starte", "stell", "stelle", "stopp", "stoppe", "streich", "streiche", "tu", "tue", "verlänger",
        "verlängere", "verschieb", "verschiebe", "zeig", "zeige", "öffne",
    }),
}  # fmt: skip
"""Words that begin another order: what begins with one of them is no value of a slot."""
_OTHER_WAYS: Final[Mapping[str, tuple[str, ...]]] = {"en": ("to", "from"), "de": ("auf", "von")}
_SAME: Final = frozenset({"it", "that", "them", "there"})
_WAYS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"to", "on", "onto", "off", "from", "in", "into", "for"}),
    "de": frozenset({"auf", "von", "zu", "zur", "zum", "in", "im", "an", "aus", "ein"}),
}
"""Words behind which the rest of a sentence stays as it was: "add eggs (to my shopping list)"."""


@attrs.frozen
class Part:
    """A part of a sentence."""

    text: str
    match: CommandMatch | None = None
    """The command; ``None`` if it was not understood."""


@attrs.frozen
class Parts:
    """What a sentence is."""

    whole: CommandMatch | None = None
    """The command that all of it is."""
    several: tuple[Part, ...] = ()
    """The parts of which each is a command."""
    partly: tuple[Part, ...] = ()
    """All parts, where one is a command at least and another is none: nothing may be done then."""


Search = Generator[str, CommandMatch | None, Parts]


def parts_of(text: str, language: str) -> Search:
    """Yield the texts to be looked up in the grammar, exactly; return what the sentence is."""
    whole = yield text
    if whole is not None and not whole.has_free_text:
        return Parts(whole)
    pieces = pieces_of(text, language)
    if not pieces or pieces == [(0, len(text))]:
        return Parts(whole)
    search = _PartSearch(text, language, pieces)
    found = yield from search.from_piece(0, ())
    if found is None or search.is_exhausted:
        if whole is not None or search.is_exhausted:
            return Parts(whole)
        partly = yield from search.partly()
        are_known = {part.match is not None for part in partly}
        return Parts(partly=partly) if are_known == {True, False} else Parts()
    has_free_text = any(part.match is not None and part.match.has_free_text for part in found)
    return Parts(whole) if whole is not None and has_free_text else Parts(several=found)


@attrs.define
class _PartSearch:
    """One sentence's search; ``pieces`` are stretches of the text."""

    text: str
    language: str
    pieces: Sequence[tuple[int, int]]
    _known: dict[str, CommandMatch | None] = attrs.field(factory=dict)
    is_exhausted: bool = False
    """Whether the grammar would have had to be asked more often: then nothing is sure."""

    def from_piece(
        self, at: int, before: tuple[Part, ...]
    ) -> Generator[str, CommandMatch | None, tuple[Part, ...] | None]:
        """Return all parts, those ``before`` the piece included; ``None`` if there is no way to cut the rest."""
        if at == len(self.pieces):
            return before
        if len(before) == MAX_PARTS:
            return None
        texts = [self._stretch(at, end) for end in range(at + 1, len(self.pieces) + 1)]
        whole = []
        for size, text in reversed(list(enumerate(texts, 1))):
            match = yield from self._look_up(text)
            if match is not None:
                whole.append((size > 1 and match.has_free_text, -size, Part(text, match)))
        for _, size, part in sorted(whole, key=lambda each: each[:2]):  # free text that holds an "and" comes last
            found = yield from self.from_piece(at - size, (*before, part))
            if found is not None:
                return found
        match = None
        if before:
            match = yield from self._completed(before[-1], texts[0])
        if match is None:
            return None
        return (yield from self.from_piece(at + 1, (*before, Part(texts[0], match))))

    def partly(self) -> Generator[str, CommandMatch | None, tuple[Part, ...]]:
        """Return all parts, the longest commands first; what is between them was not understood."""
        parts: list[Part] = []
        at = unknown_from = 0
        while at < len(self.pieces):
            size, match = yield from self._longest(at)
            if match is not None:
                if unknown_from < at:
                    parts.append(Part(self._stretch(unknown_from, at)))
                parts.append(Part(self._stretch(at, at + size), match))
                unknown_from = at + size
            at += size
        if unknown_from < len(self.pieces):
            parts.append(Part(self._stretch(unknown_from, len(self.pieces))))
        return tuple(parts)

    def _longest(self, at: int) -> Generator[str, CommandMatch | None, tuple[int, CommandMatch | None]]:
        """Return the longest command that begins at a piece, and how many pieces it takes; else one piece."""
        for end in range(len(self.pieces), at, -1):
            match = yield from self._look_up(self._stretch(at, end))
            if match is not None:
                return end - at, match
        return 1, None

    def _stretch(self, at: int, end: int) -> str:
        return self.text[self.pieces[at][0] : self.pieces[end - 1][1]].strip()

    def _look_up(self, text: str) -> Generator[str, CommandMatch | None, CommandMatch | None]:
        if text not in self._known and text != self.text:
            self.is_exhausted |= len(self._known) >= MAX_LOOKED_UP - 1
            self._known[text] = None if self.is_exhausted else (yield text)
        return self._known.get(text)

    def _completed(self, before: Part, text: str) -> Generator[str, CommandMatch | None, CommandMatch | None]:
        """Return the command that ``text`` is with what the part before has said."""
        if before.match is None or before.match.question is not None:
            return None
        last = before.match.text.rsplit(" ", 1)[-1]  # in place of free text only what stands before it is put
        is_other = text.split(maxsplit=1)[0].lower() in _VERBS.get(primary(self.language), ())
        for candidate in completions(before.match.text, text, self.language):
            match = yield from self._look_up(candidate)
            is_kept = match is not None and (not match.has_free_text or candidate.endswith(f" {last}"))
            is_said = len(candidate.split()) == len(text.split()) + 1  # all but the verb
            if match is None or not is_kept:
                continue
            if (
                shares_a_slot(before.match, match)
                if is_other
                else is_alike(before.match, match, at_most=MAX_SLOTS if is_said else 1)
            ):
                return attrs.evolve(match, confidence=min(match.confidence, ELLIPTICAL_CONFIDENCE))
        return None


def is_alike(one: CommandMatch, other: CommandMatch, *, at_most: int) -> bool:
    """Return whether two sentences say the same but for the values of one slot, or of ``at_most``."""
    names = set(one.slots) | set(other.slots)
    is_same_kind = one.intent == other.intent and other.question is None
    return is_same_kind and 0 < sum(one.slots.get(name) != other.slots.get(name) for name in names) <= at_most


def shares_a_slot(one: CommandMatch, other: CommandMatch) -> bool:
    """Return whether two sentences name the same thing, such as a list."""
    return other.question is None and any(other.slots.get(name, one) == value for name, value in one.slots.items())


def completions(before: str, text: str, language: str) -> Iterator[str]:
    """Yield whole sentences that ``text`` may stand for behind ``before``, the likeliest first.

    >>> list(completions("set a timer for 5 minutes", "another for ten", "en"))
    ['set a timer for ten minutes', 'set a timer for ten']
    """
    code = primary(language)
    said = re.sub(rf"^{_LEADS[code]}\s*", "", text.strip(), flags=re.IGNORECASE) if code in _LEADS else text.strip()
    old, new = before.split(), said.split()
    if not new or len(old) < 2:  # noqa: PLR2004 - a verb and what it is about
        return
    way = next((at for at, word in enumerate(old[2:], 2) if word in _WAYS.get(code, ())), None)
    if new[0].lower() in _VERBS.get(code, ()):
        yield from (" ".join(words) for words in _other_orders(new, [] if way is None else old[way:], code))
        return
    endings = [new]
    if new[-1].isdigit() or new[-1].lower() in NUMBERS.get(code, ()):
        endings.insert(0, [*new, old[-1]])
    yield from (" ".join(words) for words in _replaced(old, new, endings, way))


def _replaced(
    old: Sequence[str], new: Sequence[str], endings: Sequence[Sequence[str]], way: int | None
) -> Iterator[Sequence[str]]:
    anchor = next((at for at in range(len(old) - 1, 0, -1) if old[at] == new[0].lower()), None)
    if anchor is not None:
        yield from ([*old[:anchor], *ending] for ending in endings)
        return
    for at in range(len(old) - 1, 0, -1):
        yield from ([*old[:at], *ending] for ending in endings)
    if way is not None:
        yield [old[0], *new, *old[way:]]


def _other_orders(new: Sequence[str], rest: Sequence[str], code: str) -> Iterator[Sequence[str]]:
    """Yield another order about what the part before named last: "remove cheese (from my shopping list)"."""
    if not rest:
        return
    if new[-1].lower() in _SAME:
        yield [*new[:-1], *rest[1:]]
        return
    for word in dict.fromkeys((rest[0], *_OTHER_WAYS.get(code, ()))):
        yield [*new, word, *rest[1:]]
