"""Several servers on one machine, behind one address."""

import attrs
from attrs.validators import ge, le

MOST_REPLICAS = 64


@attrs.frozen(kw_only=True)
class ReplicasSettings:
    """How many servers ``sayso serve`` starts; with one there is no proxy."""

    count: int = attrs.field(validator=[ge(1), le(MOST_REPLICAS)])
    first_port: int = attrs.field(validator=[ge(0), le(65_535 - MOST_REPLICAS)])
