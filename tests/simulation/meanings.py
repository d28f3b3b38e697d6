"""The worker that reads what sentences mean, in a simulation: nothing here means anything but what it says."""

from backends.jobs import ReadSentences, SentenceReading, SentenceReadings
from backends.understanding.vectors import WIDTH
from protocol.messages.meaning import OwnSentence

OWN_SENTENCES = (OwnSentence("Do", "do 7"),)


def read_meaning(job: ReadSentences, _blob: bytes) -> tuple[SentenceReadings, bytes]:
    """Return the readings of a job."""
    readings = (SentenceReading({"none": 1.0}),) * len(job.texts)
    return SentenceReadings(readings), bytes(4 * WIDTH * len(job.texts))
