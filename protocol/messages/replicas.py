"""Messages to the keepers of a machine's replicas."""

import attrs

from protocol.messages.ask import Ask


@attrs.frozen
class ReplaceReplica(Ask[None]):
    """Let one replica leave in order, and start another; answered when that takes clients."""


@attrs.frozen
class DismissReplica(Ask[None]):
    """Let one replica leave in order, and start no other; answered when it has gone."""


ReplicaMessage = ReplaceReplica | DismissReplica
