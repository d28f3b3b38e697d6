import msgspec

from backends import jobs
from protocol.messages.hearing import SpokenWord
from protocol.messages.searching import FoundSentence, FoundSentences, SentenceAutomaton
from runtime.workers.jobs import Job, JobDecoder, decode_reply, encode

SEARCHED = jobs.SentenceSearchReply(
    FoundSentences((FoundSentence("Stop.", -1.5, 2),), "Shop.", -2.0, 2, is_loop=False, compute_s=0.5)
)


def test_every_job_names_a_reply_that_arrives_as_it_was_sent() -> None:
    clips = jobs.TranscribeClips((jobs.Clip(4, "de", ("Licht",), wants_words=True), jobs.Clip(2)))
    heard = jobs.ClipTranscript(
        text="Licht",
        language="de",
        confidence=0.5,
        no_speech=None,
        compute_s=0.1,
        words=(SpokenWord("Licht", 100, 300, 0.9),),
    )
    exchanges: dict[Job[msgspec.Struct], msgspec.Struct] = {
        clips: jobs.ClipTranscripts((heard, msgspec.structs.replace(heard, text="", no_speech="noise"))),
        jobs.DescribeModel(): jobs.ModelDescription("cpu", "int8", is_multilingual=True, max_batch=4),
        jobs.SpeakText("Hello.", None, 1.5): jobs.SpokenText(22_050),
        jobs.DecodeRecording("r", "/proc/1/fd/9", 16_000): jobs.RecordingBlock(is_last=True, refusal="no sound"),
        jobs.ForgetRecording("r"): jobs.RecordingForgotten(),
        jobs.ReadSentences(("set a timer",)): jobs.SentenceReadings((jobs.SentenceReading({"set_timer": 0.9}),)),
        jobs.SearchSentences("v1", 1.5, SentenceAutomaton("v1", ("", " "), b"0"), ("Licht",), (1, 2)): SEARCHED,
        jobs.LocateModel(): jobs.ModelAddress("http://127.0.0.1:1/v1"),
    }
    assert {type(job) for job in exchanges} == {kind for kind in vars(jobs).values() if is_job(kind)}
    decoder = JobDecoder(type(job) for job in exchanges)
    for job, reply in exchanges.items():
        assert decoder.decode(job.name, encode(job)) == job
        assert decode_reply(job, encode(reply)) == reply


def is_job(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Job) and kind is not Job
