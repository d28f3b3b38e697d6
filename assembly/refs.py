"""The addresses of the permanent actors, and how much may wait in front of each."""

import attrs

from runtime import MailboxSpec, Overflow, Ref

# mailbox sizes: each bounds what may wait in front of one actor, and says what happens beyond
WORDS = MailboxSpec(capacity=64, overflow=Overflow.BLOCK)
OUTBOUND = MailboxSpec(capacity=256, overflow=Overflow.BLOCK)
JOBS = MailboxSpec(capacity=256, overflow=Overflow.REJECT)
RECORDS = MailboxSpec(capacity=4_096, overflow=Overflow.DROP_NEWEST)


@attrs.frozen
class Refs:
    """The stable addresses of the permanent actors."""

    metrics: Ref = attrs.field(factory=lambda: Ref("metrics", RECORDS))
    history: Ref = attrs.field(factory=lambda: Ref("history", RECORDS))
    tools: Ref = attrs.field(factory=lambda: Ref("tools.router", JOBS))
    inference: Ref = attrs.field(factory=lambda: Ref("inference", JOBS))
    transcription: Ref = attrs.field(factory=lambda: Ref("transcription", JOBS))
    speech: Ref = attrs.field(factory=lambda: Ref("speech", JOBS))
    media: Ref = attrs.field(factory=lambda: Ref("media", JOBS))
    sessions: Ref = attrs.field(factory=lambda: Ref("sessions", JOBS))
    gateway: Ref = attrs.field(factory=lambda: Ref("gateway", JOBS))
