"""Base class of messages with an answer, and the sink for parts of an answer."""

from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

Answer_co = TypeVar("Answer_co", covariant=True)
Part_contra = TypeVar("Part_contra", contravariant=True)


class Ask(Generic[Answer_co]):
    """Base of the messages that are answered: ``class ListTools(Ask[ToolList])`` is answered with a ``ToolList``.

    A type checker then knows what ``await tools.ask(ListTools())`` returns (``runtime.messaging.ref.Asked``). It costs
    nothing at run time.
    """

    __slots__ = ()
    if TYPE_CHECKING:

        def asks_for(self) -> tuple[Self, Answer_co]:
            """Return the message itself and its answer; it is declared and never called."""


class PartSink(Protocol[Part_contra]):
    """Takes the parts of an answer while it is being made (``runtime.messaging.stream.PartSender``)."""

    async def send(self, part: Part_contra, /) -> None:
        """Wait until the asker receives ``part``; a slow asker slows the sender down."""
