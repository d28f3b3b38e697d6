"""What sentences mean that are none of the grammar's."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S


@attrs.frozen(kw_only=True)
class UnderstandingSettings:
    """What sentences mean that are none of the grammar's."""

    meaning: bool
    sure: float = attrs.field(validator=[ge(0), le(1)])
    likely: float = attrs.field(validator=[ge(0), le(1)])
    own: float = attrs.field(validator=[ge(0), le(1)])
    timeout_s: float = attrs.field(validator=[gt(0), le(10)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
