"""Reports that actors publish for readers that cannot wait: one field for each, with its writer.

Rules kept here:

* A reader takes the newest report; it never holds an actor, whose instance is another one after a restart.
* A report of ``transcription`` or ``gateway`` ends with the incarnation that published it, so a reader sees ``None``
  while that actor is down. The load's last level stands until the next controller has measured.
"""

import attrs

from actors.gateway import GatewayReport
from actors.shared import SharedReport
from actors.stt.report import TranscriptionReport
from protocol.admission.load import LoadReport
from protocol.admission.notices import CertificateLook
from protocol.admission.recent_past import RecentPast
from runtime import Tree
from runtime.messaging.published import Published


@attrs.frozen
class StatusBoard:
    """The newest reports, each by the actor that publishes it."""

    transcription: Published[TranscriptionReport] = attrs.field(factory=Published)
    gateway: Published[GatewayReport] = attrs.field(factory=Published)
    certificate: Published[CertificateLook] = attrs.field(factory=Published)
    """The one in use, as the listener has looked at it last; none without TLS."""
    load: Published[LoadReport] = attrs.field(factory=Published)
    shared: Published[SharedReport] = attrs.field(factory=Published)
    """The last report stands until the next keeper has connected."""
    tree: Published[Tree] = attrs.field(factory=Published)
    """The handle of the running tree, published by ``serve``; each look at it makes a snapshot."""
    past: RecentPast = attrs.field(factory=RecentPast)
    """What ``monitor`` remembers; no report, and it outlives that actor."""
