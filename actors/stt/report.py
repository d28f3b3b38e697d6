"""The report of transcription, and the figures that readers compute from it; pure.

A report has no figure that depends on the time: the delay of the queue and the demand on the
recogniser are computed when they are read, from data that were published at their last change.
"""

from collections import Counter
from collections.abc import Iterable

import attrs

from config.settings import TranscriptionSettings
from protocol.admission.capacity import Capacity, Demand
from protocol.language.speech_models import SpeechModels
from runtime.workers.queue import QueueDelay


@attrs.frozen(kw_only=True)
class QueueReport:
    """One recogniser queue and its workers."""

    delay: QueueDelay
    oldest_s: float | None
    """When the first of the utterances that wait was queued."""
    awaited: tuple[str, ...]
    """The tenant of each utterance of a live session."""
    capacity: Capacity
    """The learnt cost of an utterance."""
    is_started: bool
    """Whether a worker has been ready."""
    ready: int
    """Workers that are loaded; 0 of a remote server. A worker that dies without a job may be counted a second more."""
    size: int
    """Workers that there should be; 0 of a remote server."""

    def delay_s(self, now_s: float) -> float:
        """Return the delay of the queue in seconds: the shortest wait in the last second or two."""
        return self.delay.minimum_s(now_s, self.oldest_s)

    def demand(self, speaking: Iterable[str]) -> Demand | None:
        """Return the demand of speaking sessions, by tenant, and of waiting utterances; ``None`` if unknown."""
        return self.capacity.demand(Counter([*speaking, *self.awaited]), self.ready)

    @property
    def workers_missing(self) -> float | None:
        """The share of the workers that are not ready; ``None`` before one was, and of a remote server.

        Only a job shows that a remote server (``backends/speech/remote.py``) is back.
        """
        return 1 - self.ready / self.size if self.size and self.is_started else None


@attrs.frozen
class TranscriptionReport:
    """All recogniser queues, and the models that clients may name."""

    models: SpeechModels
    usual: QueueReport
    """The queue of the default model, or of the smaller one that does its work."""
    others: tuple[QueueReport, ...] = ()
    """Those of the other models that are loaded."""
    at_work: str = ""
    """The model of ``usual``."""

    def delay_s(self, now_s: float) -> float:
        """Return the longest delay of all queues, in seconds."""
        return max(queue.delay_s(now_s) for queue in (self.usual, *self.others))


def speech_models(
    settings: TranscriptionSettings, loaded: Iterable[str] = (), *, can_load: bool = True
) -> SpeechModels:
    """Return the models that clients may name: those of the settings, and those that are loaded besides.

    ``can_load`` says whether another model can be loaded for a language that the default one has not.
    """
    offered = dict.fromkeys((settings.model, *settings.models, *settings.preload, *loaded))
    return SpeechModels(tuple(offered), settings.language, has_choice=settings.provider == "embedded" and can_load)
