"""The entries of a table of providers, and the findings of ``sayso doctor``.

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
    """Result of a check; ``fail`` means that the server cannot work, ``warn`` that some function is missing."""

    name: str
    state: State
    text: str
    fix: str = ""


@attrs.frozen
class Extra:
    """An optional part of the package, as ``pyproject.toml`` names it."""

    name: str
    module: str
    """A module that can be imported where it is installed."""

    @property
    def is_installed(self) -> bool:
        """Whether the module can be found."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def command(self) -> str:
        """The command that installs it."""
        return f"pip install 'sayso[{self.name}]'"


@attrs.frozen(kw_only=True)
class Provider(Generic[Make_co]):
    """One way to do a kind of work."""

    settings: type
    """The class of its section."""
    make: Make_co
    """Makes the adapter; its arguments depend on the table."""
    check: Callable[[Settings], Iterator[Finding]]
    """Checks that what the provider needs is there; called if the provider is used."""
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
        """Yield the findings of each provider's check, or that the provider is not used."""
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


def with_fallback(provider: str, fallback: str, *, has_fallback: bool) -> tuple[str, ...]:
    """Return the provider, and the one that it falls back to."""
    return (provider, fallback) if has_fallback and provider != fallback else (provider,)
