"""Decodes the server's frames to events, and keeps what a client needs to resume."""

import attrs

from sayso_client.errors import BadFrame
from sayso_client.events import ConnectionAccepted, Event, GoingAway, SpeechAudio, SpeechAudioStart, decode


@attrs.define
class EventStream:
    """Decodes frames, and remembers the token, the last ``seq`` and the turn of the current speech."""

    accepted: ConnectionAccepted | None = None
    """The ``seq`` of the last event."""
    _token: str = ""
    _last_seq: int = 0
    _speech: SpeechAudioStart | None = None

    @property
    def resume(self) -> tuple[str, int] | None:
        """The token and the last ``seq`` to resume with; None before the first ``connection_accepted``."""
        return (self._token, self._last_seq) if self._token else None

    def take(self, frame: str | bytes) -> Event:
        """Return the event in a frame; raises ``BadFrame``."""
        if isinstance(frame, bytes):
            return self._piece_of_speech(frame)
        event, seq = decode(frame)
        self._last_seq = max(self._last_seq, seq)
        match event:
            case ConnectionAccepted():
                self.accepted = event
                self._token = event.resume_token
                if not event.resumed:
                    self._last_seq = seq
            case GoingAway():
                self._token = event.resume_token
            case SpeechAudioStart():
                self._speech = event
        return event

    def _piece_of_speech(self, data: bytes) -> SpeechAudio:
        if self._speech is None:
            raise BadFrame("the server sent audio before speech_audio_start")
        return SpeechAudio(self._speech.turn_id, self._speech.format, self._speech.sample_rate, data)
