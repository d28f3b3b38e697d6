"""The text messages of a client of Deepgram's ``/v1/listen``; pure."""

from typing import Final, Literal

import msgspec

from protocol.messages.errors import RemoteProtocolError

ControlType = Literal["KeepAlive", "Finalize", "CloseStream", "Configure"]
MAX_MESSAGE_CHARS: Final = 65_536
SHOWN_CHARS: Final = 80


class ControlMessage(msgspec.Struct):
    """One message: ``keyterms`` belongs to ``Configure``, and is absent where they stay as they are."""

    type: ControlType
    keyterms: list[str] | None = None


_decoder: Final = msgspec.json.Decoder(ControlMessage)


def parsed(text: str) -> ControlMessage:
    """Return the message in a text frame; raises ``RemoteProtocolError``."""
    if len(text) > MAX_MESSAGE_CHARS:
        raise RemoteProtocolError("too_large", f"a message must have at most {MAX_MESSAGE_CHARS} characters")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_field", f"a message is wrong: {str(error)[:SHOWN_CHARS]}") from error
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise RemoteProtocolError("bad_json", f"a message must be JSON: {str(error)[:SHOWN_CHARS]}") from error
