from typing import Any, get_args, get_type_hints

import attrs
import pytest

from actors.audio import Audio
from actors.connection.connection import Connection
from actors.dialogue import Dialogue
from actors.gateway import Gateway
from actors.history import History
from actors.inference import Inference
from actors.meaning import MeaningReader
from actors.media import Media
from actors.metrics import Metrics
from actors.monitor import Monitor
from actors.speech import Speech
from actors.tools import Tools
from actors.traces import Traces
from actors.transcription import Transcription
from actors.vault import Vault
from assembly.refs import Refs, SessionRefs, new_session_refs
from runtime import Supervisor
from tests.fakes import default_settings

PERMANENT = {
    "metrics": Metrics,
    "monitor": Monitor,
    "history": History,
    "tools": Tools,
    "tool_servers": Supervisor,
    "inference": Inference,
    "transcription": Transcription,
    "speech": Speech,
    "meaning": MeaningReader,
    "media": Media,
    "traces": Traces,
    "sessions": Supervisor,
    "gateway": Gateway,
}
OF_A_SESSION = {"vault": Vault, "connection": Connection, "audio": Audio, "dialogue": Dialogue}


def messages_of(generic: Any) -> set[type]:
    """Return the messages in ``Ref[A | B]`` or ``Actor[A | B]``."""
    union = get_args(generic)[0]
    return set(get_args(union) or (union,))


@pytest.mark.parametrize(("refs", "actors"), [(Refs, PERMANENT), (SessionRefs, OF_A_SESSION)])
def test_each_actor_handles_what_its_reference_takes(refs: type, actors: dict[str, Any]) -> None:
    taken = {name: messages_of(hint) for name, hint in get_type_hints(refs).items()}
    handled = {name: messages_of(actor.__orig_bases__[0]) for name, actor in actors.items()}
    assert taken.keys() == handled.keys()
    assert {name: taken[name] - handled[name] for name in taken if taken[name] - handled[name]} == {}


def test_the_mailbox_of_audio_is_sized_in_time() -> None:
    audio = default_settings().audio
    assert new_session_refs("a", audio).audio.mailbox.spec.capacity == 64
    assert new_session_refs("a", attrs.evolve(audio, buffer_s=2.0)).audio.mailbox.spec.capacity == 100
    assert new_session_refs("a", attrs.evolve(audio, buffer_s=0.001)).audio.mailbox.spec.capacity == 1
