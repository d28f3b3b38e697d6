"""How a command reaches a server: with which key."""

from collections.abc import Mapping
from typing import Final

import attrs
import click


@attrs.frozen
class ServerAccess:
    """What a command sends along."""

    key: str | None = attrs.field(default=None, repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of each request."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}


NO_ACCESS: Final = ServerAccess()

key_option = click.option("--key", envvar="SAYSO_KEY", help="Your key, if the server wants one (or in SAYSO_KEY).")
