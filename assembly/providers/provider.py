"""What a table of providers holds, and what ``sayso doctor`` finds of each.

Another provider needs a class in ``config/settings/`` with its section in ``defaults.toml``, its name in the kind's
``Literal`` there, an adapter in ``backends/``, and an entry in the table of its kind in this folder.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Literal, TypeVar

import attrs

from config.settings import Settings

State = Literal["ok", "warn", "fail"]
Make_co = TypeVar("Make_co", covariant=True)


@attrs.frozen
class Finding:
    """What one check found; ``fail`` keeps the server from working, ``warn`` takes something away from it."""

    name: str
    state: State
    text: str
    fix: str = ""


@attrs.frozen
class Extra:
    """An optional part of the package, as ``pyproject.toml`` names it."""

    name: str
    module: str
    """What can be imported where it is installed."""

    @property
    def is_installed(self) -> bool:
        """Whether the module can be found."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def command(self) -> str:
        """What installs it."""
        return f"pip install 'sayso[{self.name}]'"


@attrs.frozen(kw_only=True)
class Provider(Generic[Make_co]):
    """One way to do a kind of work."""

    settings: type
    """The class of its section."""
    make: Make_co
    """Makes the adapter; the table says from what."""
    check: Callable[[Settings], Iterator[Finding]]
    """Looks for what it needs; called where it is used."""
    extra: Extra | None = None


@attrs.frozen
class ProviderKind:
    """All providers of one kind of work."""

    section: str
    """Of the settings; ``provider`` there chooses."""
    providers: Mapping[str, Provider[object]]
    in_use: Callable[[Settings], tuple[str, ...]]
    """Returns the names of those that the settings want, the first choice first."""

    def findings(self, settings: Settings) -> Iterator[Finding]:
        """Yield what the check of each provider finds, or that the provider is not used."""
        wanted = self.in_use(settings)
        for name, provider in self.providers.items():
            if name not in wanted:
                chosen = getattr(settings, self.section).provider
                yield Finding(f"{self.section} {name}", "ok", f"not used ({self.section}.provider = {chosen})")
                continue
            if provider.extra is not None:
                yield _installed(f"{self.section} {name}", provider.extra)
            yield from provider.check(settings)


def _installed(name: str, extra: Extra) -> Finding:
    if extra.is_installed:
        return Finding(name, "ok", f"{extra.name} is installed")
    return Finding(name, "warn", f"{extra.name} is not installed", extra.command)


def with_stand_in(provider: str, stand_in: str, *, has_fallback: bool) -> tuple[str, ...]:
    """Return the provider, and the one behind it that does what it cannot."""
    return (provider, stand_in) if has_fallback and provider != stand_in else (provider,)
