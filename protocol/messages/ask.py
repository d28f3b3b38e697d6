"""A message that is asked says what it is answered with."""

from typing import TYPE_CHECKING, Generic, Self, TypeVar

Answer_co = TypeVar("Answer_co", covariant=True)


class Ask(Generic[Answer_co]):
    """Base of the messages that are answered: ``class ListTools(Ask[ToolList])`` is answered with a ``ToolList``.

    A type checker then knows what ``await tools.ask(ListTools())`` returns (``runtime.messaging.ref.Asked``). It costs
    nothing at run time.
    """

    __slots__ = ()
    if TYPE_CHECKING:

        def asks_for(self) -> tuple[Self, Answer_co]:
            """Return the message itself and its answer; it is declared and never called."""
