"""Which speech models a client may name, and which languages they hear; pure."""

import attrs

from protocol.language.languages import hearing_problem, model_for, translator


@attrs.frozen
class SpeechModels:
    """The speech models of a server."""

    offered: tuple[str, ...]
    """Names that a client may use, the usual one first."""
    language: str = ""
    """What is heard unless the client says otherwise; empty where the language is detected."""
    has_choice: bool = True
    """Whether another model may take a language that the usual one does not hear; a server elsewhere hears them all."""

    @property
    def usual(self) -> str:
        """The name of the model that is used unless another one is wanted."""
        return self.offered[0]

    def hearing_problem(self, language: str | None, wanted: str | None) -> str | None:
        """Return why a language cannot be heard, with a model if one is wanted; ``None`` if it can."""
        if not self.has_choice and wanted is None:
            return None
        return hearing_problem(language or self.language, wanted, self.offered)

    def model_for(self, language: str | None, wanted: str | None) -> str:
        """Return the model that hears a language without a ``hearing_problem``."""
        name = wanted or self.usual
        if not self.has_choice:
            return name
        return model_for(language or self.language, wanted, self.offered) or name

    def translator(self, wanted: str | None) -> str | None:
        """Return the model that translates into English: the wanted one, else the first that can; ``None`` for none."""
        return (wanted or self.usual) if not self.has_choice else translator(wanted, self.offered)
