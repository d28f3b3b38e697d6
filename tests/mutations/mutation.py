"""What a mutation is."""

import attrs


@attrs.frozen
class Mutation:
    """One change of the product that has to turn tests red."""

    name: str
    """The promise that it breaks, as a command."""
    file: str
    text: str
    """Occurs in the file exactly once."""
    replacement: str
    tests: tuple[str, ...]
    """Each of them must fail, as ``file::function``."""
