"""The Wyoming port: what it offers, by the settings and what is loaded."""

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

from assembly.providers.shared_stores import MissingExtra
from backends.ingress.audio_services import AudioServices
from backends.ingress.certificates import addresses_of_this_machine
from backends.ingress.wyoming import WyomingServices
from backends.ingress.wyoming_announcement import INSTALL_COMMAND, MODULE, announced
from backends.protocols import CommandGrammar
from config.settings import GatewaySettings
from protocol.dialects.wyoming_info import ANY_VOICE, WyomingOffer, languages_of_voice
from protocol.language.language_names import CODES
from protocol.messages.understanding import CommandMatch


def check(settings: GatewaySettings) -> None:
    """Raise ``MissingExtra`` if the port is to be announced, and the library for that is not installed."""
    if settings.wyoming_port and settings.wyoming_name and find_spec(MODULE) is None:
        raise MissingExtra(f"gateway.wyoming_name needs a library that is not installed: run `{INSTALL_COMMAND}`")


def wyoming_services(
    settings: GatewaySettings, version: str, audio: AudioServices, grammar: CommandGrammar
) -> WyomingServices:
    """Return what the port asks of the server besides sessions."""
    announce = partial(announced, settings.wyoming_name) if settings.wyoming_name else None

    def match(text: str, language: str) -> CommandMatch | None:
        return grammar.match((text,), language)

    return WyomingServices(
        lambda: offer_of(version, audio, grammar),
        audio.synthesise,
        match,
        None if announce is None else lambda port: announce(port, reachable(settings)),
    )


def reachable(settings: GatewaySettings) -> Sequence[str]:
    """Return the addresses at which clients reach the port."""
    return addresses_of_this_machine() if settings.wyoming_networks else ("127.0.0.1",)


def offer_of(version: str, audio: AudioServices, grammar: CommandGrammar) -> WyomingOffer:
    """Return what the server can do now. Reads the disk."""
    voices = audio.voices()
    return WyomingOffer(
        version=version,
        models={
            model: [code for code in sorted(CODES) if audio.hearing_problem(code, model) is None]
            for model in audio.models()
        },
        voices={ANY_VOICE: ["en"]} if voices is None else {voice: languages_of_voice(voice) for voice in voices},
        languages=sorted({sample.language for sample in grammar.samples()}),
    )
