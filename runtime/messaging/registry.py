"""Names of live actors, by which code outside of a session finds them."""

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
        """Enter ``ref`` under ``name``, in place of an earlier entry."""
        self._refs[name] = ref

    def unregister(self, name: str, ref: Ref[Message]) -> bool:
        """Remove ``name`` if its entry is still ``ref``: a successor's entry stays. Return whether it was removed."""
        if self._refs.get(name) is not ref:
            return False
        del self._refs[name]
        return True

    def lookup(self, name: str) -> Ref[Message] | None:
        """Return the reference of ``name``, or ``None``."""
        return self._refs.get(name)

    def names(self) -> tuple[str, ...]:
        """Return all names, in the order of registration."""
        return tuple(self._refs)
