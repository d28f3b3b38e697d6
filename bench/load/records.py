"""The input of a caller, and its record afterwards."""

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from sayso_client import Capability, Event

Result = Literal["served", "refused", "lost"]


@attrs.frozen
class Clip:
    """One spoken command, 16 kHz mono s16le."""

    name: str
    """Its sentence, or the name of its file."""
    pcm: bytes = attrs.field(repr=False)
    voiced_s: float
    """Where its speech ends, from its first sample on."""


@attrs.define
class Turn:
    """One command that was spoken to the end."""

    name: str
    is_heard: bool = False
    """Whether the server reported that speech has begun."""
    transcripts: list[str] = attrs.field(factory=list)
    tools: list[str] = attrs.field(factory=list)
    call_ids: list[str] = attrs.field(factory=list)
    confirmed: int = 0
    """How often a confirmation was asked for before a tool was called."""
    end: str = ""
    """Why the utterance ended."""
    outcome: str = "lost"
    server_ms: Mapping[str, float] = attrs.field(factory=dict)
    client_ms: dict[str, float] = attrs.field(factory=dict)
    """From the last voice to the arrival of the first event of a stage, such as ``transcript``."""
    events: list[Event] = attrs.field(factory=list, repr=False)
    """All but the audio, if the plan wants them."""

    @property
    def transcript_ms(self) -> float | None:
        """From the last voice to the arrival of the first transcript."""
        return self.client_ms.get("transcript")

    @property
    def is_done(self) -> bool:
        """Whether it ended well, with one transcript."""
        return self.outcome == "done" and len(self.transcripts) == 1


@attrs.define
class Call:
    """The record of one caller."""

    due_s: float
    """When it was due, in seconds from the beginning of the load."""
    wanted: int
    """How many turns it wanted."""
    late_ms: float = 0.0
    """Seconds that it was late because the client itself was busy: large values spoil all other figures."""
    status: int | None = None
    """HTTP status of the answer to its upgrade."""
    refused_ms: float | None = None
    retry_after_s: float | None = None
    turns: list[Turn] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)
    load_level: int = 0
    """The highest load level that the server reported."""
    close_code: int | None = None
    trouble: str = ""
    """The error on the client's side, if any."""

    @property
    def result(self) -> Result:
        """Return ``served`` only where every turn that was wanted ended."""
        if self.refused_ms is not None:
            return "refused"
        is_over = len(self.turns) == self.wanted and all(turn.outcome != "lost" for turn in self.turns)
        return "served" if is_over else "lost"


@attrs.frozen
class Plan:
    """The plan of a crowd: one caller for each arrival, each with clips of its own."""

    url: str
    arrivals_s: Sequence[float]
    clips: Sequence[Sequence[Clip]]
    """For each caller, its clips in order."""
    factor: float = 1.0
    """How many times faster than real time they speak; latencies hold only at 1."""
    limit_s: float = 40.0
    """After that a caller gives up."""
    source: str = ""
    """The address that they come from; empty where that is left to the system."""
    capabilities: tuple[Capability, ...] = ("stt", "llm", "tools")
    frame_s: float = 0.1
    """Seconds of audio in a frame."""
    keeps_events: bool = False
    """Whether the turns' events are kept."""
