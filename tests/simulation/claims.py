"""What must be true of every run, whatever went wrong in it; each claim says what excuses it.

A claim is a function of a report that yields what is wrong. Nothing here looks into the product: only at what clients
heard, what the outside was asked to do, and the figures that the runtime shows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from protocol.admission.load import Level
from protocol.messages.events import AudioEnd
from protocol.messages.records import TurnRecord
from protocol.messages.session import Send
from runtime import Ref
from runtime.messaging.exits import leaves
from runtime.supervision.errors import RestartIntensityExceeded, StartFailed
from tests.simulation.clients import BYTES_PER_MS, Client
from tests.simulation.outside import MUMBLED
from tests.simulation.sentences import ANSWERS, CHANGES, RESTS, UNDO, WANTS
from tests.simulation.world import Report

BYE: Final = 1000
STOP_SLACK_S: Final = 1.5
STOP_TIMEOUT_S: Final = 10.0
Claim = Callable[[Report], Iterator[str]]


def every_turn_ends_once(report: Report) -> Iterator[str]:
    """Exactly one ``turn_completed`` for every turn that a client knows.

    A client whose socket did not end in order may miss it, and what a connection had in hand when it crashed is lost.
    """
    lost = lost_events(report)
    for client in report.clients:
        ends = Counter(data["turn_id"] for data in client.heard.of("turn_completed"))
        for turn_id, count in ends.items():
            if count > 1:
                yield f"{client.caller.name}: {turn_id} ended {count} times"
        for turn_id in sorted(turns_that_should_end(client) - set(ends)):
            if ("TurnCompleted", turn_id) not in lost:
                yield f"{client.caller.name}: {turn_id} never ended"


def events_are_numbered_without_gaps(report: Report) -> Iterator[str]:
    """A client sees 1, 2, 3 …; one that was crashed on may have lost the one event in hand.

    A ``connection_accepted`` that was lost on its way is not sent again.
    """
    for client in report.clients:
        numbers = [seq for seq, _, _ in client.heard.log]
        if numbers != sorted(set(numbers)):
            yield f"{client.caller.name}: events out of order or twice: {numbers}"
            continue
        missing = max(numbers, default=0) - len(numbers)
        if missing > client.heard.lost_answers and not report.saboteur.has_crashed("connection"):
            yield f"{client.caller.name}: gaps in {numbers}"


def nothing_is_done_twice(report: Report) -> Iterator[str]:
    """No call id reaches a tool twice, and nothing that was said once is done twice."""
    shed = report.outside.shed
    for call_id, count in sorted(shed.calls.items()):
        if count > 1:
            yield f"call {call_id} was made {count} times"
    for number, count in sorted(shed.changes.items()):
        if count > 1:
            yield f"{CHANGES} {number} was made {count} times"
    shown = Counter(data["call_id"] for client in report.clients for data in client.heard.of("tool_call"))
    for call_id, count in sorted(shown.items()):
        if count > 1:
            yield f"call {call_id} was shown {count} times"


def a_question_is_answered_once(report: Report) -> Iterator[str]:
    """What lacks something does nothing by itself; its answer does it, where nothing went wrong and nobody hurried."""
    changes = report.outside.shed.changes
    is_calm = is_untouched(report) and not (report.saboteur.crashes or report.weather.struck or report.plan.load)
    for client in report.clients:
        texts = [report.plan.sayings[step.number] for step in client.caller.steps if step.number in report.plan.sayings]
        for text in texts:
            verb, _, number = text.partition(" ")
            if verb == WANTS and changes[int(number)]:
                yield f"{client.caller.name}: {text!r} was done before it was whole"
            is_sure = is_calm and has_spoken_all(report, client) and not client.heard.of("confirm_request")
            if verb == ANSWERS and is_sure and not client.caller.vanishes and changes[int(number)] != 1:
                yield f"{client.caller.name}: {text!r} answered a question and was done {changes[int(number)]} times"


def the_last_whole_command_is_in_effect_once(report: Report) -> Iterator[str]:
    """Of a sentence in two halves one is in effect in the end, never both, and nothing is taken back twice.

    Where nothing went wrong and both were typed it is the whole, and what was to be undone is.
    """
    shed = report.outside.shed
    for number, count in sorted(shed.undone.items()):
        if count > 1 or shed.in_effect(number) < 0:
            yield f"{number} was done {shed.changes[number]} times and taken back {count} times"
    is_calm = is_untouched(report) and not (report.saboteur.crashes or report.weather.struck or report.plan.load)
    for client in report.clients:
        said = [step for step in client.caller.steps if step.number in report.plan.sayings]
        is_sure = is_calm and has_spoken_all(report, client) and not client.heard.of("confirm_request")
        for first, second in pairwise(said):
            text = report.plan.sayings[second.number]
            begun, whole = shed.in_effect(first.number), shed.in_effect(second.number)
            is_sure_now = is_sure and not client.caller.vanishes and first.kind == second.kind == "text"
            if text.startswith(RESTS) and begun + whole > 1:
                yield f"{client.caller.name}: both {first.number} and {text!r} are in effect"
            if text.startswith(RESTS) and is_sure_now and (begun, whole) != (0, 1):
                yield f"{client.caller.name}: {text!r} is in effect {whole} times, {first.number} {begun} times"
            if text == UNDO and is_sure_now and begun:
                yield f"{client.caller.name}: {first.number} was not taken back"


def no_answer_is_given_twice(report: Report) -> Iterator[str]:
    """One whole ``reply`` a turn, spoken once; a truncated one says what was heard of it."""
    for client in report.clients:
        for turn_id, count in sorted(
            Counter(data["turn_id"] for data in client.heard.of("speech_audio_start")).items()
        ):
            if count > 1 and turn_id not in {data["turn_id"] for data in client.heard.of("confirm_request")}:
                yield f"{client.caller.name}: {turn_id} was spoken {count} times"
        whole = Counter(data["turn_id"] for data in client.heard.of("reply") if not data.get("truncated"))
        for turn_id, count in sorted(whole.items()):
            if count > 1:
                yield f"{client.caller.name}: {turn_id} was answered {count} times"


def no_sentence_is_spoken_twice(report: Report) -> Iterator[str]:
    """Of every sentence of an answer at most as much sound is heard as was made of it.

    Where the news that a turn's sound begins was lost, nobody knows whose sound it is.
    """
    if any(kind == "SpeechAudioStart" for kind, _ in lost_events(report)):
        return
    voice = report.outside.voice
    for client in report.clients:
        for turn_id in client.heard.played:
            for number, count_bytes in client.heard.sound_of(turn_id).items():
                if count_bytes - BYTES_PER_MS > voice.size_bytes(voice.sentences[number]):
                    yield f"{client.caller.name}: {turn_id} said {voice.sentences[number]!r} more than once"


def words_are_heard_once(report: Report) -> Iterator[str]:
    """What was spoken is transcribed once, as it was spoken; all of it, where nothing touched the way of the words."""
    for client in report.clients:
        steps = [step for step in client.caller.steps if step.kind in ("say", "press", "cut in")]
        spoken = [report.plan.sayings[step.number] for step in steps]
        texts = Counter(data["text"] for data in client.heard.of("transcript"))
        turns = {(data["turn_id"], data["text"]) for data in client.heard.of("transcript")}
        for text, count in Counter(text for _, text in turns).items():
            if count > 1 and text != MUMBLED:
                yield f"{client.caller.name}: {text!r} was heard in {count} turns"
            if text not in spoken and is_unhurried(client) and not may_run_together(report, client):
                yield f"{client.caller.name}: {text!r} was heard, and never spoken"
        if is_untouched(report) and has_spoken_all(report, client):
            for text in spoken:
                if texts[text] != 1:
                    yield f"{client.caller.name}: {text!r} was heard {texts[text]} times"


def history_is_what_was_heard(report: Report) -> Iterator[str]:
    """A record for every turn that ran, with its words and its answer, once."""
    rows = [row for row in report.outside.database.rows if isinstance(row, TurnRecord)]
    for turn_id, count in Counter(row.turn_id for row in rows).items():
        if count > 1:
            yield f"{turn_id} was recorded {count} times"
    by_turn = {row.turn_id: row for row in rows}
    for client in report.clients:
        yield from _differences(report, client, by_turn)


def history_is_no_more_than_was_heard(report: Report) -> Iterator[str]:
    """Of an interrupted answer is recorded what the client was told of, and of that it has heard at least the half."""
    rows = {row.turn_id: row for row in report.outside.database.rows if isinstance(row, TurnRecord)}
    voice = report.outside.voice
    for client in report.clients:
        replies = {data["turn_id"]: data["text"] for data in client.heard.of("reply") if data.get("truncated")}
        for data in client.heard.of("turn_completed"):
            row = rows.get(data["turn_id"])
            if row is None or row.outcome != "interrupted":
                continue
            sound = client.heard.sound_of(row.turn_id)
            texts = [voice.sentences[number] for number in sound]
            half = [text for text in texts if 2 * sound[voice.sentences.index(text)] >= voice.size_bytes(text)]
            if row.replied != replies.get(row.turn_id, ""):
                yield f"{row.turn_id}: recorded {row.replied!r}, told {replies.get(row.turn_id)!r}"
            if not " ".join(half).startswith(row.replied) and not has_stalled(client):
                yield f"{row.turn_id}: recorded {row.replied!r}, heard {half}"


def _differences(report: Report, client: Client, rows: Mapping[str, TurnRecord]) -> Iterator[str]:
    texts = {data["turn_id"]: data["text"] for data in client.heard.of("transcript")}
    replies = {data["turn_id"]: data["text"] for data in client.heard.of("reply")}
    for data in client.heard.of("turn_completed"):
        turn_id = data["turn_id"]
        row = rows.get(turn_id)
        if row is None:
            if data["latency_ms"] and not report.saboteur.has_crashed("history") and not has_lost_history(report):
                yield f"{client.caller.name}: {turn_id} was not recorded"
            continue
        if row.outcome != data["outcome"]:
            yield f"{turn_id}: recorded as {row.outcome}, told as {data['outcome']}"
        is_run_again = report.saboteur.has_crashed("connection", "audio", "dialogue") and not row.heard
        if row.heard != texts.get(turn_id, row.heard) and not is_run_again:
            yield f"{turn_id}: recorded {row.heard!r}, heard {texts[turn_id]!r}"
        if row.outcome == "done" and row.replied != replies.get(turn_id, row.replied):
            yield f"{turn_id}: recorded {row.replied!r}, told {replies[turn_id]!r}"


def no_client_is_refused_without_need(report: Report) -> Iterator[str]:
    """Clients are admitted unless the machine is full or the server drains."""
    is_full = any(level >= Level.NO_NEW for _, level in report.plan.load)
    for client in report.clients:
        if client.heard.refused and not is_full and report.plan.end == "idle" and report.ended_by is None:
            yield f"{client.caller.name} was refused {client.heard.refused} times"


def messages_are_conserved(report: Report) -> Iterator[str]:
    """``accepted = processed + queued + in_flight + dropped + expired + quarantined`` for every mailbox."""
    for ref in report.refs:
        counters = ref.mailbox.counters
        gone = counters.processed + counters.in_flight + counters.dropped.total()
        gone += counters.expired + counters.quarantined + len(ref.mailbox)
        if counters.accepted != gone:
            yield f"{ref.name}: {counters.accepted} accepted, {gone} accounted for: {counters}"
        if counters.in_flight or len(ref.mailbox) or has_waiting_senders(ref):
            yield f"{ref.name}: not empty at the end: {ref.mailbox!r} {counters}"


def nothing_is_left(report: Report) -> Iterator[str]:
    """No session, place, ask or task outlives its owner."""
    if report.sessions_left:
        yield f"{report.sessions_left} sessions are left"
    if report.places_left:
        yield f"{report.places_left} places are taken by nobody"
    if report.open_asks:
        yield f"{report.open_asks} asks are still waiting"
    if report.zombies:
        yield "tasks did not end"
    for client in report.clients:
        if client.is_inside:
            yield f"{client.caller.name} still has an open socket"


def every_ask_ends_in_time(report: Report) -> Iterator[str]:
    """No ask outlives its deadline."""
    yield from report.late_asks


def the_server_ends_in_order(report: Report) -> Iterator[str]:
    """The stop is bounded; only a root that gives up ends by itself, or one that cannot start for our crash."""
    if report.stop_s > STOP_TIMEOUT_S + STOP_SLACK_S:
        yield f"the stop took {report.stop_s:.1f} s"
    ended = report.ended_by
    if ended is None:
        return
    causes = list(leaves(ended))
    if not all(isinstance(leaf, RestartIntensityExceeded) or is_our_start_failure(leaf) for leaf in causes):
        yield f"ended by {causes!r}"
    elif not report.saboteur.crashes and not report.weather.struck:
        yield f"gave up without a cause: {causes!r}"


def no_task_waits_in_vain(report: Report) -> Iterator[str]:
    """A client whose session lives hears of every turn's end, unless the words themselves were lost."""
    excused = {"connection", "audio", "dialogue"}
    for client in report.clients:
        if client.heard.gave_up and not report.saboteur.has_crashed(*excused) and is_unhurried(client):
            yield f"{client.caller.name} gave up waiting {client.heard.gave_up} times"


def returning_clients_are_known(report: Report) -> Iterator[str]:
    """A client that lost its socket and comes back within the window finds its session, and gets all it missed."""
    excused = {"connection", "audio", "dialogue", "vault", "gateway", "sessions"}
    for client in report.clients:
        is_excused = report.saboteur.has_crashed(*excused) or report.plan.end != "idle" or report.ended_by is not None
        if client.heard.forgotten and not is_excused:
            yield f"{client.caller.name} was taken for somebody new"


CLAIMS: Final[tuple[Claim, ...]] = (
    every_turn_ends_once,
    events_are_numbered_without_gaps,
    nothing_is_done_twice,
    a_question_is_answered_once,
    the_last_whole_command_is_in_effect_once,
    no_answer_is_given_twice,
    no_sentence_is_spoken_twice,
    words_are_heard_once,
    history_is_what_was_heard,
    history_is_no_more_than_was_heard,
    no_client_is_refused_without_need,
    messages_are_conserved,
    nothing_is_left,
    every_ask_ends_in_time,
    the_server_ends_in_order,
    no_task_waits_in_vain,
    returning_clients_are_known,
)


def broken_claims(report: Report) -> list[str]:
    """Return what is wrong with a run, each with the name of its claim."""
    return [f"{claim.__name__}: {problem}" for claim in CLAIMS for problem in claim(report)]


# --- excuses -------------------------------------------------------------------------------------


def lost_events(report: Report) -> set[tuple[str, str]]:
    """Return kind and turn of the events that an actor was handling when it was crashed."""
    events: list[Any] = [message.event for message in report.saboteur.lost if isinstance(message, Send)]
    return {(type(event).__name__, event.turn_id) for event in events if hasattr(event, "turn_id")}


def turns_that_should_end(client: Client) -> set[str]:
    """Return the turns whose end the client must have heard: all, or those before it sat idle when it was cut off."""
    log = client.heard.log
    if client.heard.close_code not in (BYE, None):
        log = log[: client.idle_at or 0]
    return {data["turn_id"] for _, _, data in log if "turn_id" in data}


def is_unhurried(client: Client) -> bool:
    """Whether the client waited for each answer: then no two utterances can run together."""
    return all(step.is_awaited for step in client.caller.steps)


def has_stalled(client: Client) -> bool:
    """Whether the client did not read for a while: then only the client knows what it heard when."""
    return bool(client.caller.vanishes) or any(step.kind == "stall" for step in client.caller.steps)


def may_run_together(report: Report, client: Client) -> bool:
    """Whether the client left a sentence open, or its end was being handled by an audio actor that crashed."""
    is_open = any(step.kind == "trail off" for step in client.caller.steps)
    return is_open or any(isinstance(message, AudioEnd) for message in report.saboteur.lost)


def is_untouched(report: Report) -> bool:
    """Whether nothing went wrong on the way from speech to transcript."""
    on_the_way = {"connection", "audio", "dialogue", "transcription", "vault", "gateway", "sessions"}
    harmful = {f"whisper:{how}" for how in ("refuses", "fails", "garbage", "hangs", "dies")}
    is_whole = not report.saboteur.has_crashed(*on_the_way) and not harmful & set(report.weather.struck)
    return is_whole and report.plan.end == "idle" and report.ended_by is None


def has_spoken_all(report: Report, client: Client) -> bool:
    """Whether the client came in, was not hurried, and said everything."""
    kinds = {step.kind for step in client.caller.steps}
    is_plain = is_unhurried(client) and not kinds & {"interrupt", "stall", "nonsense", "trail off"}
    is_welcome = bool(client.heard.of("connection_accepted")) and not client.heard.of("going_away")
    is_welcome &= not (client.caller.vanishes and client.heard.refused)  # a full server resumes no session
    return is_plain and is_welcome and client.caller.end not in ("cut", "hasty")


def has_lost_history(report: Report) -> bool:
    """Whether records may have been lost: by a stop in the middle, or by a store that failed at the end."""
    is_cut_short = report.plan.end != "idle" or report.ended_by is not None or "history" in report.saboteur.deaf
    return is_cut_short or report.outside.database.failed_s >= report.stopped_s


def is_our_start_failure(error: BaseException) -> bool:
    """Whether the server did not start because we crashed an actor meanwhile."""
    return isinstance(error, StartFailed) and "SimulatedCrash" in str(error)


def has_waiting_senders(ref: Ref) -> bool:
    """Whether a sender still waits for room."""
    return bool(ref.mailbox.statistics(0.0).waiting_senders)
