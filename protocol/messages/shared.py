"""What replicas of one server keep in common: limits, and sessions that may go on at another replica."""

from collections.abc import Sequence

import attrs


@attrs.frozen
class SharedLimit:
    """One rate limit of one sender, in the shared store (the arithmetic is that of ``protocol/admission/rate.py``)."""

    sender: str
    """Such as ``address 192.0.2.1``."""
    count: int
    window_s: float
    burst: int


@attrs.frozen
class SavedSession:
    """A session as it stands, so that its client can go on at another replica."""

    owner: str
    """A random id of the half that writes: a session that goes on elsewhere has another owner."""
    version: int
    """Counts this owner's writes; an older one never replaces a newer one."""
    tokens: Sequence[str]
    """The valid resume tokens: the record can be read with each of them, and with nothing else."""
    record: bytes
    former_tokens: Sequence[str]
    """Tokens that are no longer valid: what was kept for them is removed."""
    ttl_s: float
    """How long it is kept unless it is written again."""
