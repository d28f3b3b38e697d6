"""Traces of turns."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S, MOST_EVENTS, matches

is_collector = matches(r"(?:https?://[^\s/?#@]+(?:/[^\s?#]*)?)?", "an address such as http://127.0.0.1:4318")


@attrs.frozen(kw_only=True)
class TracesSettings:
    """The collector of traces; without a url there are none."""

    url: str = attrs.field(validator=is_collector)
    api_key: str = attrs.field(repr=False)
    share: float = attrs.field(validator=[ge(0), le(1)])
    timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_waiting: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
