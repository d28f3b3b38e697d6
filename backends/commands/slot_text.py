"""What was said in a slot, and the simplest readings of it."""

import attrs


@attrs.frozen
class SlotText:
    """What was said in a slot."""

    words: tuple[str, ...]
    """Normalised, numbers in digits."""
    source: str
    """As it was written, for texts that are kept word by word."""
    language: str


def to_text(slot: SlotText) -> str | None:
    """Return free text as it was written, without the punctuation around it."""
    return slot.source.strip(' \t\n.,;:!?"') or None


def plain(value: float) -> float | int:
    """Return whole numbers as such: tools with integer arguments refuse 10.0."""
    return int(value) if value == int(value) else value
