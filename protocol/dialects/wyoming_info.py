"""What a Wyoming server says about itself when it is asked to ``describe``; pure.

Every entry has the fields that clients demand: name, attribution, installed, description, version, and its languages.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.wyoming_frames import WyomingEvent

NAME: Final = "sayso"
ATTRIBUTION: Final = {"name": NAME, "url": "https://github.com/OHF-Voice/wyoming"}
ANY_VOICE: Final = "default"
"""The voice of a server whose voices are not known; it is the one that the settings name."""


@attrs.frozen(kw_only=True)
class WyomingOffer:
    """What this server can do."""

    version: str
    models: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """The languages of each speech model; the first model is the usual one."""
    voices: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """The languages of each voice; the first voice is the usual one."""
    languages: Sequence[str] = ()
    """The languages of the commands."""
    wake_words: Sequence[str] = ()


def info_event(offer: WyomingOffer) -> WyomingEvent:
    """Return the ``info`` event.

    >>> data = info_event(WyomingOffer(version="1", models={"tiny.en": ["en"]})).data
    >>> data["asr"][0]["models"][0]["languages"], data["tts"]
    (['en'], [])
    """

    def artifact(name: str, description: str, **more: Any) -> dict[str, Any]:
        common = {"attribution": ATTRIBUTION, "installed": True, "description": description, "version": offer.version}
        return {"name": name, **common, **more}

    models = [artifact(name, f"speech model {name}", languages=list(heard)) for name, heard in offer.models.items()]
    voices = [artifact(name, f"voice {name}", languages=list(spoken)) for name, spoken in offer.voices.items()]
    commands = [artifact(NAME, "commands and questions", languages=list(offer.languages))]
    words = [artifact(word, word, languages=["en"], phrase=word) for word in offer.wake_words]
    asr = artifact(
        NAME,
        "speech to text that knows the commands, and when one is complete",
        models=models,
        supports_transcript_streaming=True,
        requires_external_vad=False,
        prefers_auto_gain_enabled=False,
        prefers_noise_reduction_enabled=False,
    )
    tts = artifact(NAME, "text to speech", voices=voices, supports_synthesize_streaming=True)
    handle = artifact(NAME, "carries commands out and answers questions", models=commands, supports_home_control=True)
    intent = artifact(NAME, "recognises commands without carrying them out", models=commands)
    wake = artifact(NAME, "wake words", models=words)
    return WyomingEvent(
        "info",
        {
            "asr": [asr] if models else [],
            "tts": [tts] if voices else [],
            "handle": [handle] if offer.languages else [],
            "intent": [intent] if offer.languages else [],
            "wake": [wake] if words else [],
            "mic": [],
            "snd": [],
        },
    )


def languages_of_voice(name: str) -> list[str]:
    """Return the languages of a voice by its name, as Home Assistant compares them; English if it does not tell.

    >>> languages_of_voice("de_DE-thorsten-medium"), languages_of_voice("alloy")
    (['de_DE', 'de'], ['en'])
    """
    locale, found, _ = name.partition("-")
    language, has_region, region = locale.partition("_")
    if found and has_region and language.isalpha() and region.isalpha():
        return [locale, language]
    return ["en"]
