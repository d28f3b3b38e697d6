"""The functions that the HTTP API calls: they ask actors, or read the status source."""

from collections.abc import Mapping

import attrs
import trio

from assembly.adapters import Adapters
from assembly.console_source import ConsoleSource
from assembly.leaving import Leaving
from assembly.refs import Refs
from assembly.speech_services import SpeechServices
from assembly.status_source import StatusSource
from backends.ingress.audio_services import BOTH, AudioServices, RecordingPace
from backends.ingress.http_access import AccessRoutes
from backends.ingress.http_app import HttpServices
from backends.ingress.http_commands import CommandRoute
from backends.ingress.http_history import HistoryRoutes
from config.settings import Settings
from protocol.admission.admission import retry_deferrable_s
from protocol.messages.history import (
    ConversationQuery,
    Deleted,
    DeleteRecords,
    Deletion,
    FindTurns,
    KeptConversation,
    KeptTurn,
    ListConversations,
    TurnQuery,
)
from protocol.messages.understanding import ListTools, ToolList


def http_services(
    settings: Settings, refs: Refs, adapters: Adapters, status: StatusSource, leaving: Leaving
) -> HttpServices:
    """Return the functions that the routes call."""

    async def tools() -> ToolList:
        return await refs.tools.ask(ListTools()) if settings.supervisor.has_sessions else ToolList()

    def drain(timeout_s: float | None) -> Mapping[str, object]:
        usual_s = settings.supervisor.drain_timeout_s
        leaving.begin("an operator's request", usual_s if timeout_s is None else timeout_s)
        return leaving.drain.shown(trio.current_time)

    return HttpServices(
        history_routes(settings, refs),
        tools,
        adapters.version,
        drain,
        status.status,
        speech_services(refs).models(settings.transcription.start_timeout_s),
        CommandRoute(adapters.grammar.samples),
        access=AccessRoutes(adapters.keys),
        cache_ttl_s=settings.gateway.cache_ttl_s,
        console=ConsoleSource(status, refs.tool_servers),
    )


def history_routes(settings: Settings, refs: Refs) -> HistoryRoutes:
    """Return the routes of the history, and what they ask."""

    async def find(wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        return await refs.history.ask(FindTurns(wanted))

    async def conversations(wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        return await refs.history.ask(ListConversations(wanted))

    async def delete(what: Deletion) -> Deleted:
        return await refs.history.ask(DeleteRecords(what))

    return HistoryRoutes(
        find, conversations, delete, is_kept=settings.history.enabled and settings.supervisor.has_sessions
    )


def audio_services(settings: Settings, refs: Refs, adapters: Adapters, status: StatusSource) -> AudioServices:
    """Return the functions of the audio API."""
    ours = settings.supervisor

    def rest_s() -> float | None:
        return retry_deferrable_s(status.load_level()) if ours.has_sessions else None

    audio = speech_services(refs).audio(
        adapters.make_detector,
        pace=RecordingPace(max(1, settings.transcription.at_once - 1), rest_s),
        models=status.stt_models,
        hearing_problem=status.hearing_problem,
        translator=lambda model: status.speech_models().translator(model),
        voices=adapters.voices,
    )
    return attrs.evolve(audio, does=tuple(role for role in BOTH if ours.does(role)))


def speech_services(refs: Refs) -> SpeechServices:
    """Return the functions that ask the actors for speech."""
    return SpeechServices(refs.transcription, refs.speech, refs.media, refs.metrics)
