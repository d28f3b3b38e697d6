"""What several replicas of the server share."""

import re

import attrs
from attrs.validators import ge, le

ADDRESS = re.compile(r"(?:rediss?://[^\s/?#]+(?:/\d*)?(?:\?[^\s#]*)?)?")
NAME = re.compile(r"[A-Za-z0-9._-]{0,64}")


def is_redis_address(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    """Raise ``ValueError`` if a value is neither empty nor the address of a Redis."""
    if not ADDRESS.fullmatch(value):
        raise ValueError(f"{field.name} must be an address such as redis://127.0.0.1:6379/0")


def is_plain_name(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    """Raise ``ValueError`` for anything but letters, digits, dots, underscores and hyphens."""
    if not NAME.fullmatch(value):
        raise ValueError(f"{field.name} must be at most 64 letters, digits, dots, underscores and hyphens")


@attrs.frozen(kw_only=True)
class SharedSettings:
    """The store that replicas share; without a url nothing is shared."""

    url: str = attrs.field(repr=False, validator=is_redis_address)
    """Such as ``redis://:password@redis.example:6379/0``; ``rediss://`` is over TLS."""
    replica: str = attrs.field(validator=is_plain_name)
    prefix: str = attrs.field(validator=is_plain_name)
    timeout_ms: float = attrs.field(validator=[ge(1), le(10_000)])
