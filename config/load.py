"""Reads the settings: defaults, then ``sayso.toml``, then ``SAYSO_`` variables, the guide's names, and flags.

Rules kept here:

* Every problem is reported at once, with its place; nothing starts on half a configuration.
* A misspelt key is a problem, never silence.
* A secret's value is in no message.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from config import paths
from config.aliases import read_aliases, warnings_about
from config.conversion import Unfit, convert
from config.home_assistant import SERVER as HOME_SERVER
from config.home_assistant import with_home_assistant
from config.keys import KEYS, Key, build
from config.moved import notices, under_new_keys
from config.problems import ConfigError, Problem
from config.settings import GatewaySettings, Settings
from config.sources import SERVERS, SettingEntry, read_environment, read_toml, variable_of
from config.variables import expanded_servers

DEFAULTS: Final = Path(__file__).with_name("defaults.toml")
DEFAULT_ORIGIN: Final = "default"
FLAG_ORIGIN: Final = "command line"


@attrs.frozen
class Loaded:
    """Settings, their origins, and warnings."""

    settings: Settings
    origins: Mapping[str, str]
    """For every key: ``default``, a file and line, a variable's name, or ``command line``."""
    warnings: tuple[str, ...]
    """Settings without effect, and dangerous ones."""


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str]) -> Loaded:
    """Return the settings in force; ``flags`` maps keys to values as they were typed.

    Raises ``ConfigError`` with everything that is wrong.
    """
    aliased, problems = read_aliases(environ)
    written = [
        *(attrs.evolve(entry, origin=DEFAULT_ORIGIN) for entry in read_toml(DEFAULTS)),
        *(() if path is None else read_toml(path)),
        *read_environment(environ),
        *aliased,
        *(SettingEntry(key, value, FLAG_ORIGIN, is_text=True) for key, value in flags.items()),
    ]
    warnings = list(notices(written))
    values, origins = _merged(under_new_keys(written), problems, warnings)
    problems += _contradictions(values, origins)
    values[SERVERS], unset = expanded_servers(values[SERVERS], environ)
    problems += [Problem(origins[SERVERS], f"{SERVERS}: {what}") for what in unset]
    if problems:
        raise ConfigError(problems)
    _place(values, origins, path, environ)
    settings = with_home_assistant(build(Settings, values))
    return Loaded(settings, origins, (*warnings, *warnings_about(environ), *_dangers(values)))


def _merged(
    entries: Sequence[SettingEntry], problems: list[Problem], warnings: list[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the last good value of every key and its origin; appends what is wrong to the last two."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for entry in entries:
        key = KEYS.get(entry.key)
        if key is None:
            problems.append(Problem(entry.origin, f"{entry.key} is no setting{_hint(entry.key)}"))
            continue
        try:
            values[key.name] = _checked(key, entry)
            origins[key.name] = entry.origin
        except Unfit as error:
            what = f"{key.name}: {error}{_shown(key, entry.value)}"
            if entry.is_optional:
                warnings.append(
                    f"{entry.origin} is ignored: {what}; if it is meant for sayso, set {variable_of(key.name)}"
                )
            else:
                problems.append(Problem(entry.origin, what))
    return values, origins


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, KEYS, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _checked(key: Key, entry: SettingEntry) -> Any:
    value = convert(entry.value, key.field.type, is_text=entry.is_text)
    if key.field.validator is not None:
        try:
            key.field.validator(None, key.field, value)
        except ValueError as error:
            bound = re.search(r"must be (.+?): ", str(error))
            raise Unfit(f"expected a value {bound[1]}" if bound else str(error)) from None
    return value


def _shown(key: Key, value: object) -> str:
    """Return the value as an error may show it: tables may hold secrets as well."""
    return "" if key.is_secret or key.name == "tools.servers" else f", not {value!r}"


# --- rules between settings -----------------------------------------------------------------------


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def needs_key(gateway: GatewaySettings) -> bool:
    """Return whether everyone needs a key, even while there is none."""
    return not gateway.insecure and (gateway.require_key or not is_loopback(gateway.host))


@attrs.frozen
class Rule:
    """A rule between settings."""

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    """Takes the values of ``keys``."""
    text: str


def _has_address(provider: str, chosen: str, url: str) -> bool:
    return chosen != provider or bool(url)


CLIENTS: Final = "client"  # as ``CLIENT_SERVER`` of protocol/messages/event_values.py
RULES: Final = (
    Rule(
        ("gateway.tls_certificate", "gateway.tls_key"),
        lambda certificate, key: bool(certificate) == bool(key),
        "gateway.tls_certificate and gateway.tls_key must be set both or not at all",
    ),
    Rule(
        ("audio.release_threshold", "audio.onset_threshold"),
        lambda release, onset: release <= onset,
        "audio.release_threshold must not be above audio.onset_threshold",
    ),
    Rule(
        ("transcription.embedded.hypotheses", "transcription.embedded.beam_size"),
        lambda hypotheses, beam_size: hypotheses <= beam_size,
        "transcription.embedded.hypotheses must not be above transcription.embedded.beam_size",
    ),
    Rule(
        ("audio.block_samples", "audio.max_block_samples"),
        lambda block, most: block <= most,
        "audio.block_samples must not be above audio.max_block_samples",
    ),
    Rule(
        ("history.provider", "history.url"),
        lambda provider, url: provider != "postgres" or bool(url),
        "history.provider = postgres needs history.url, or DATABASE_URL",
    ),
    Rule(
        ("history.read_url", "history.url"),
        lambda read_url, url: bool(url) or not read_url,
        "history.read_url needs history.url, which is written to",
    ),
    Rule(
        ("home_assistant.url", "home_assistant.token"),
        lambda url, token: bool(token) or not url,
        "home_assistant.url needs home_assistant.token, or SAYSO_HOME_ASSISTANT__TOKEN",
    ),
    Rule(
        ("home_assistant.url", "tools.servers"),
        lambda url, servers: not url or HOME_SERVER not in servers,
        f"home_assistant.url adds the tool server {HOME_SERVER}: give the one of tools.servers another name",
    ),
    Rule(
        ("tools.servers",),
        lambda servers: CLIENTS not in servers,
        f"{CLIENTS} stands for the tools of clients: give the server of tools.servers another name",
    ),
    *(
        Rule(
            (f"{address[1]}.provider", address[0]),
            partial(_has_address, address[2]),
            f"{address[1]}.provider = {address[2]} needs {address[0]}",
        )
        for address in filter(None, (re.fullmatch(r"(\w+)\.(\w+)\.url", name) for name in KEYS))
    ),  # of every provider that is a server
)


def _contradictions(values: Mapping[str, Any], origins: Mapping[str, str]) -> list[Problem]:
    return [
        Problem(_place_of(rule, origins), f"{rule.text}, not {_pairs(rule, values)}")
        for rule in RULES
        if not rule.holds(*(values[key] for key in rule.keys))
    ]


def _place_of(rule: Rule, origins: Mapping[str, str]) -> str:
    places = [origins[key] for key in rule.keys]
    return next((place for place in places if place != DEFAULT_ORIGIN), DEFAULT_ORIGIN)


def _pairs(rule: Rule, values: Mapping[str, Any]) -> str:
    return " with ".join(f"{key.rpartition('.')[2]} {_told(key, values[key])}" for key in rule.keys)


def _told(key: str, value: object) -> str:
    return ("***" if value else repr(value)) if KEYS[key].is_secret or key == SERVERS else repr(value)


def _dangers(values: Mapping[str, Any]) -> list[str]:
    dangers = []
    if values["gateway.insecure"] and not is_loopback(values["gateway.host"]):
        host = values["gateway.host"]
        dangers.append(f"insecure: without keys everyone who reaches {host} may talk to this server and use its tools")
    if values["gateway.wyoming_port"] and values["gateway.wyoming_networks"]:
        networks = ", ".join(values["gateway.wyoming_networks"])
        dangers.append(f"Wyoming has no keys: everyone in {networks} may talk to this server and use its tools")
    opened = [key for key in ("gateway.allowed_hosts", "gateway.allowed_origins") if "*" in values[key]]
    return dangers + [f"insecure: with {key} = * any web page may use this server and its tools" for key in opened]


def _place(values: dict[str, Any], origins: Mapping[str, str], path: Path | None, environ: Mapping[str, str]) -> None:
    """Make every path absolute, so that nothing depends on a worker's current folder."""
    homes = {"supervisor.data_dir": paths.data_home, "supervisor.models_dir": paths.models_home}
    for key, home in homes.items():
        is_unset = origins[key] == DEFAULT_ORIGIN or values[key] == Path()
        values[key] = home(environ) if is_unset else values[key].absolute()
    values["history.sqlite.path"] = values["supervisor.data_dir"] / values["history.sqlite.path"]
    beside = paths.config_home(environ) if path is None else path.absolute().parent
    values["dialogue.commands_dir"] = str(beside / Path(values["dialogue.commands_dir"]).expanduser())
    for name in ("gateway.tls_certificate", "gateway.tls_key"):
        values[name] = str(beside / Path(values[name]).expanduser()) if values[name] else ""
    more = values["dialogue.more_commands_dirs"]
    values["dialogue.more_commands_dirs"] = tuple(str(beside / Path(folder).expanduser()) for folder in more)
