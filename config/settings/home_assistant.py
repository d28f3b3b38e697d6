"""Home Assistant as what is controlled."""

import re

import attrs
from attrs.validators import ge, le

ADDRESS = re.compile(r"(?:https?://[^\s/?#@]+(?:/[^\s?#]*)?)?")


def is_address(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    """Raise ``ValueError`` if a value is neither empty nor the address of a server."""
    if not ADDRESS.fullmatch(value):
        raise ValueError(f"{field.name} must be an address such as http://homeassistant.local:8123")


@attrs.frozen(kw_only=True)
class HomeAssistantSettings:
    """The connection to a Home Assistant; without a url there is none."""

    url: str = attrs.field(validator=is_address)
    """Of its web page, such as ``http://homeassistant.local:8123``."""
    token: str = attrs.field(repr=False)
    """A long-lived access token of an administrator."""
    languages: tuple[str, ...]
    """Languages of the commands, as the package ``home-assistant-intents`` names them."""
    max_entities: int = attrs.field(validator=[ge(1), le(50_000)])
