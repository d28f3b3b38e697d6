"""What is said of a call's result: sentences of ``home-assistant-intents`` in the call's language; pure.

Rules kept here:

* JSON, identifiers and Python's representations are never spoken.
* The package's templates are data of a program that is pinned, but what fills them is not: it is put in as values, and
  the templates run in Jinja's sandbox.
* What cannot be put into a sentence of the package is said by one of ours.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backends.home_assistant.sentences import HomeSentences, SentenceBlock
from backends.json_faults import JSON_FAULTS
from protocol.language.phrases import DONE, HOME_CANNOT, HOME_FAILED, HOME_PARTLY, phrase

MAX_SPOKEN_NAMES: Final = 5
_REASON: Final = re.compile(r"MatchFailedReason\.(\w+)")
_NO_MATCH_NAME: Final = re.compile(r"no_match_name='([^']{1,100})'")
_DOMAINS: Final = re.compile(r"domains=[\[{]'(\w{1,50})'")
_KIND: Final = re.compile(r'\{.{0,1000}?"response_type"\s*:\s*"(\w+)"', re.DOTALL)
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment()


class Controlled(msgspec.Struct, frozen=True):
    """Something that was controlled, or was not."""

    name: str
    type: str
    id: str | None = None


class Targets(msgspec.Struct, frozen=True):
    """What a call did."""

    success: list[Controlled] = []
    failed: list[Controlled] = []


class IntentAnswer(msgspec.Struct, frozen=True):
    """The result of an intent's tool."""

    response_type: str
    data: Targets = Targets()


@attrs.frozen
class _Failure:
    """How a reason of Home Assistant's is told."""

    key: str
    """Of the package's sentences about errors."""
    about: str | None = None
    """What the sentence must name."""
    has_place: bool = False
    """Whether there are others for an area and for a floor."""


FAILURES: Final[Mapping[str, _Failure]] = {
    "NAME": _Failure("no_entity", "entity", has_place=True),
    "AREA": _Failure("no_domain", "domain", has_place=True),
    "FLOOR": _Failure("no_domain", "domain", has_place=True),
    "DOMAIN": _Failure("no_domain", "domain", has_place=True),
    "DEVICE_CLASS": _Failure("no_device_class", "device_class", has_place=True),
    "ASSISTANT": _Failure("no_entity_exposed", "entity"),
    "FEATURE": _Failure("feature_not_supported"),
    "STATE": _Failure("entity_wrong_state"),
    "INVALID_AREA": _Failure("no_area", "area"),
    "INVALID_FLOOR": _Failure("no_floor", "floor"),
    "DUPLICATE_NAME": _Failure("duplicate_entities", "entity", has_place=True),
    "MULTIPLE_TARGETS": _Failure("duplicate_targets"),
}
"""By the names of Home Assistant's ``MatchFailedReason``."""


@attrs.frozen(eq=False)
class Wording:
    """The sentences of the languages that are loaded."""

    languages: Mapping[str, HomeSentences]

    def success(self, intent: str, arguments: Mapping[str, Any], content: str, language: str) -> str | None:
        """Return what is said of a result: ``content`` if it is no intent's, ``None`` if nothing was done."""
        answer = _answer(content)
        if answer is None:
            return content
        if answer.response_type == "error" or (answer.data.failed and not answer.data.success):
            return None
        entity = next((each for each in answer.data.success if each.type == "entity"), None)
        domain = (entity.id or "").partition(".")[0] if entity is not None else ""
        domain = domain or _first(arguments.get("domain"))
        told = self._response(intent, arguments, domain, language) or phrase(DONE, language)
        if answer.data.failed:
            names = ", ".join(each.name for each in answer.data.failed[:MAX_SPOKEN_NAMES])
            told = f"{told} {phrase(HOME_PARTLY, language, names=names)}"
        return told

    def failure(self, arguments: Mapping[str, Any], error: str, language: str) -> str:
        """Return what is said of a tool's error."""
        reason = _REASON.search(error)
        failure = FAILURES.get(reason[1]) if reason is not None else None
        if failure is None:
            return phrase(HOME_FAILED, language)
        where = {"area": "in_area", "floor": "in_floor"}
        place = next((end for slot, end in where.items() if arguments.get(slot)), "")
        name = _NO_MATCH_NAME.search(error)
        keys = [f"{failure.key}_{place}"] if failure.has_place and place else []
        domains = _DOMAINS.search(error)
        filling = {
            "entity": arguments.get("name", ""),
            "area": arguments.get("area") or (name[1] if name else ""),
            "floor": arguments.get("floor") or (name[1] if name else ""),
            "domain": _first(arguments.get("domain")) or (domains[1] if domains else ""),
            "device_class": _first(arguments.get("device_class")),
        }
        if failure.about is None or filling[failure.about]:
            for key in (*keys, failure.key):
                told = self._sentence(("errors", key), filling, language)
                if told:
                    return told
        return phrase(HOME_FAILED, language)

    def duplicates(self, name: str, language: str) -> str:
        """Return what is said if several devices have a name, and nothing tells them apart."""
        return self._sentence(("errors", "duplicate_entities"), {"entity": name}, language) or phrase(
            HOME_FAILED, language
        )

    def cannot(self, language: str) -> str:
        """Return what is said if Home Assistant has no tool for a call, or none that takes what was said."""
        return phrase(HOME_CANNOT, language)

    def _response(self, intent: str, arguments: Mapping[str, Any], domain: str, language: str) -> str:
        found = self._find(language)
        if found is None:
            return ""
        key = response_key(found.blocks.get(intent, ()), arguments, domain)
        slots = {name: _first(value) for name, value in arguments.items()}
        state = {"domain": domain, "name": arguments.get("name", "")}
        return self._sentence(("intents", intent, key), {"slots": slots, "state": state}, language)

    def _sentence(self, way: Sequence[str], filling: Mapping[str, Any], language: str) -> str:
        """Return a filled sentence; empty if the language has none, or it says nothing."""
        found = self._find(language)
        template: Any = None if found is None else found.responses
        for step in way:
            template = template.get(step) if isinstance(template, Mapping) else None
        if not isinstance(template, str):
            return ""
        try:
            told = " ".join(_ENVIRONMENT.from_string(template).render(**filling).split())
        except (TemplateError, TypeError, ValueError):  # such as of Home Assistant's own functions
            return ""
        if not told or re.search(r"\bNone\b", told):  # a word that the template has no translation of
            return ""
        return told[0].upper() + told[1:] + ("" if told[-1] in ".!?。" else ".")

    def _find(self, language: str) -> HomeSentences | None:
        return self.languages.get(language) or self.languages.get(language.partition("-")[0].lower())


def response_key(blocks: Sequence[SentenceBlock], arguments: Mapping[str, Any], domain: str) -> str:
    """Return the name of the answer to a call: that of the sentences which fill just its arguments."""
    given = {name: _first(value) for name, value in arguments.items()}
    fits = [
        block
        for block in blocks
        if block.slots == given.keys()
        and all(given[name] == value for name, value in block.constants.items())
        and (not block.domains or not domain or domain in block.domains)
    ]
    return min(fits, key=lambda block: len(block.domains) or len(blocks)).response if fits else "default"


def _answer(content: str) -> IntentAnswer | None:
    """Return an intent's result; of one that was cut, as that of many lamps may be, what is left."""
    try:
        return msgspec.json.decode(content, type=IntentAnswer)
    except JSON_FAULTS:
        kind = _KIND.match(content)
        return IntentAnswer(kind[1]) if kind is not None else None


def _first(value: Any) -> Any:
    """Return a value, or the first of a list of them."""
    if isinstance(value, list | tuple):
        return value[0] if value else ""
    return "" if value is None else value
