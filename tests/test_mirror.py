"""Every source file has a test file of its own, where one would look for it."""

from pathlib import Path

from tests.source_tree import ROOT, python_files

PLAIN_SECTIONS = (
    *("audio", "bounds", "dialogue", "gateway", "history", "inference", "log", "metrics"),
    *("session", "shared", "speech", "supervisor", "tools", "traces", "transcription", "understanding", "wake"),
)
EXCUSED = {
    "backends/commands/durations.py": "tests/backends/commands/test_slots.py asks for each kind of slot",
    "backends/commands/slot_text.py": "the same",
    "backends/commands/spoken_names.py": "the same",
    "assembly/board.py": "places only; test_status_source.py beside it publishes and reads them",
    "assembly/adapters.py": "only wires adapters together; tests/system start it",
    "backends/ingress/audio_services.py": "plain records; test_http_audio.py beside its tests fills them",
    "backends/builtin/owned.py": "a face, and plain records; test_owned_sqlite.py beside its tests asks every store",
    "backends/protocols.py": "faces without any behaviour; tests/fakes.py has them",
    "backends/builtin/owned_rows.py": "the SQL of two stores; test_owned_sqlite.py beside its tests asks both",
    "backends/storage/postgres_schema.py": "the tables themselves; tests/system/test_postgres.py makes them",
    "backends/storage/postgres_check.py": "tests/system/test_postgres.py asks a server by it",
    "backends/storage/sqlite_schema.py": "the tables themselves; test_sqlite.py beside its tests opens them",
    **{
        f"config/settings/{name}.py": "plain records; tests/config/test_settings.py asks every number for its bounds"
        for name in PLAIN_SECTIONS
    },
    "actors/connection/context.py": "plain records",
    "actors/connection/directory.py": "plain records; tests/actors/connection/test_resuming.py looks into it",
    "protocol/dialects/attach.py": "plain records; tests/actors/test_resuming.py hands clients over",
    "cli/__main__.py": "two lines; tests/cli/test_main.py runs them",
    "protocol/messages/events.py": "plain records; tests/protocol/dialects/test_native.py sends each over the wire",
    "protocol/messages/ask.py": "a type only; tests/runtime/test_typed_messages.py uses it",
    "protocol/messages/hearing.py": "plain records",
    "protocol/messages/home.py": "plain records; tests/backends/home_assistant/test_names.py makes them",
    "protocol/messages/identity.py": "plain records; tests/protocol/admission/test_identity.py makes them",
    "protocol/messages/models.py": "plain records",
    "protocol/messages/recordings.py": "plain records",
    "protocol/messages/searching.py": "plain records",
    "protocol/messages/session.py": "plain records",
    "protocol/messages/shared.py": "plain records",
    "backends/shared/redis.py": "tests/system/test_shared_redis.py asks a real Redis",
    "backends/shared/scripts.py": "the same",
    "protocol/messages/speaking.py": "plain records",
    "protocol/messages/understanding.py": "plain records",
    "protocol/messages/records.py": "plain records",
    "protocol/messages/traces.py": "plain records; tests/backends/test_traces.py sends them",
    "backends/replicas/with_parent.py": "tests/system/test_processes.py kills a parent",
    "protocol/turns/actions.py": "plain records",
    "protocol/language/request_tables.py": "words only; tests/protocol/language/test_requests.py asks by them",
    "runtime/messaging/errors.py": "plain exceptions; who raises one tests it",
    "runtime/supervision/errors.py": "plain exceptions; who raises one tests it",
    "runtime/supervision/status.py": "plain records",
    "sayso_client/errors.py": "plain exceptions; who raises one tests it",
    "runtime/workers/errors.py": "plain exceptions; tests/runtime/workers/test_pool.py raises each",
}  # and why no file of their own would be worth reading
ABOUT_SEVERAL = {
    "tests/actors/test_turn_states.py": "each state of a turn, and what may happen in it",
    "tests/config/test_settings.py": "all sections of the settings",
    "tests/actors/test_guide_llm_settings.py": "settings, inference and adapters together",
    "tests/backends/builtin/test_german.py": "what the built-in tools answer in German, each of them",
    "tests/backends/commands/test_german_sentences.py": "the German sentences, which are data",
    "tests/backends/commands/test_several_sentences.py": "sentences of several commands, by real grammars",
    "tests/actors/turn/test_several_commands.py": "a turn with several commands, from its words to its answer",
    "tests/backends/commands/test_beginnings.py": "the beginnings of shipped sentences, which are data",
    "tests/protocol/audio/test_verdicts.py": "endpointing again: the verdicts on a pause",
    "tests/backends/commands/test_home_sentences.py": "the sentences of the example home, which are data",
    "tests/backends/mcp/test_home_example.py": "the tool server of the example home, as sayso's client sees it",
    "tests/backends/commands/test_sums_and_measures.py": "the sentences, slots and tools for numbers together",
    "tests/backends/commands/test_list_sentences.py": "the sentences about lists and notes, which are data",
    "tests/backends/commands/test_plan_sentences.py": "the sentences about alarms, reminders and dates, which are data",
    "tests/backends/commands/test_timer_sentences.py": "the sentences about timers, which are data",
    "tests/actors/connection/test_stories.py": "the same conversations in several dialects",
    "tests/actors/test_resuming.py": "connections of two sessions, and the socket that goes from one to the other",
    "tests/actors/test_audio_crashes.py": "audio's next incarnation, and the vault it hears again from",
    "tests/actors/test_barge_in.py": "dialogue, turn and spoken answer together",
    "tests/actors/test_early_hearing.py": "audio, dialogue and turn together",
    "tests/actors/test_flooding.py": "connection and dialogue together, and a client that does not read",
    "tests/backends/ingress/test_admission_checks.py": "admission and listener together, and a server that is late",
    "tests/actors/test_silent_sockets.py": "sockets without a handshake, at the gateway",
    "tests/backends/ingress/test_negotiation.py": "dialects over WebSockets",
    "tests/backends/ingress/test_http_audio_fields.py": "what a client of OpenAI's audio API may ask for",
    "tests/backends/ingress/test_http_audio_streamed.py": "the streamed answers of test_http_audio.py, which was full",
    "tests/actors/test_wake_word.py": "audio, the vault and the wake gate together",
    "tests/actors/turn/test_wake_replies.py": "dialogue, turn and question together",
    "tests/actors/connection/test_wake_options.py": "the handshake's and an update's wake word",
    "tests/actors/test_leaving.py": "how a session ends when the server leaves",
    "tests/runtime/test_properties.py": "mailbox and supervisor against reference models",
    "tests/runtime/test_worker_interleavings.py": "worker, channel and process together, in orders drawn from seeds",
    "tests/runtime/test_typed_messages.py": "messages, references and actors as mypy sees them",
    "tests/sayso_client/test_examples.py": "the examples in the docstrings",
    "tests/browser/test_page_events.py": "the page: the events of its connection, for developers",
    "tests/browser/test_page_choices.py": "the page: words as they come, and what may be chosen",
    "tests/browser/test_page_login.py": "the page and the console: a key becomes a cookie",
    "tests/browser/test_page_audio.py": "the page: its microphone and its loudspeaker",
    "tests/browser/test_page_bad_input.py": "the page, and what is not as it should be",
    "tests/browser/test_bench_page.py": "bench/page, in a real browser",
    "tests/browser/test_page.py": "the page in a real browser, with the server behind it",
    "tests/browser/test_console.py": "the console in a real browser, with the server behind it",
    "tests/actors/turn/test_injection.py": "hostile texts against a whole turn",
}  # tests of one matter across files, beside the nearest


def places_for(path: Path) -> tuple[Path, ...]:
    """Return where the tests of a source file may be: mirrored, or with real processes."""
    name = f"test_{path.name}"
    return Path("tests", *path.parts[:-1], name), Path("tests", "system", name)


def test_every_source_file_has_its_test_file() -> None:
    missing = [
        f"{path}: expected {places_for(path)[0]}"
        for path in python_files()
        if path.name != "__init__.py"
        and path.as_posix() not in EXCUSED
        and not any((ROOT / test).is_file() for test in places_for(path))
    ]
    assert not missing, "\n".join(["", *missing])


def test_nothing_is_excused_that_is_gone_or_tested() -> None:
    stale = [
        name
        for name in EXCUSED
        if not (ROOT / name).is_file() or any((ROOT / test).is_file() for test in places_for(Path(name)))
    ]
    assert stale == []


def test_every_test_file_is_about_something_that_exists() -> None:
    sources = {path.with_name(f"test_{path.name}") for path in python_files()}
    sources.add(Path("cli/test_main.py"))  # of cli/__init__.py and cli/__main__.py
    orphans = [
        str(path)
        for path in python_files("tests")
        if path.name.startswith("test_")
        and len(path.parts) > 2  # the guards beside this file are about the whole repository
        and path.parts[1] not in {"system", "deploy"}  # real servers, and the files of deploy/
        and Path(*path.parts[1:]) not in sources
        and path.as_posix() not in ABOUT_SEVERAL
    ]
    assert orphans == []
