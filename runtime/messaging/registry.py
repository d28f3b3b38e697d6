"""Names of live actors: how something outside of a session finds it."""

from typing import Generic, TypeVar

from runtime.messaging.ref import Ref

Message = TypeVar("Message")


class Registry(Generic[Message]):
    """A directory of references to actors that take ``Message``.

    An actor registers when it is ready and unregisters when it stops.
    """

    def __init__(self) -> None:
        self._refs: dict[str, Ref[Message]] = {}

    def __len__(self) -> int:
        return len(self._refs)

    def __repr__(self) -> str:
        return f"<Registry of {len(self._refs)} names>"

    def register(self, name: str, ref: Ref[Message]) -> None:
        """Let ``name`` mean ``ref`` from now on, whatever it meant before."""
        self._refs[name] = ref

    def unregister(self, name: str, ref: Ref[Message]) -> bool:
        """Forget ``name`` if it still means ``ref``: a successor's entry is left alone. Return whether it did."""
        if self._refs.get(name) is not ref:
            return False
        del self._refs[name]
        return True

    def lookup(self, name: str) -> Ref[Message] | None:
        """Return what ``name`` means, or ``None``."""
        return self._refs.get(name)

    def names(self) -> tuple[str, ...]:
        """Return all names, in the order of registration."""
        return tuple(self._refs)
