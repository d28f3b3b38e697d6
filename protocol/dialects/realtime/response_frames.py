"""One answer of the server in OpenAI's Realtime API, and the events that tell of it."""

from collections.abc import Mapping
from typing import Final, Literal

import attrs
import msgspec

from protocol.dialects.realtime.client_events import JsonObject
from protocol.dialects.realtime.items import ConversationItems, call_item, message_item
from protocol.dialects.realtime.speech_deltas import SpeechDeltas
from protocol.dialects.realtime.wire import ApiProblem, ServerFrames
from protocol.messages import events

ResponseStatus = Literal["in_progress", "completed", "cancelled", "failed"]
CutReason = Literal["client_cancelled", "turn_detected"]
NO_USAGE: Final[Mapping[str, int]] = {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0}


@attrs.define
class RealtimeResponse:
    """One answer, as far as its client knows of it."""

    response_id: str
    item_id: str
    speech: SpeechDeltas | None
    """``None`` if the answer is text only."""
    metadata: Mapping[str, str] | None = None
    turn_id: str | None = attrs.field(default=None, init=False)
    """``None`` until the session has begun with it."""
    is_begun: bool = attrs.field(default=False, init=False)
    """Whether its item was told."""
    is_paused: bool = attrs.field(default=False, init=False)
    is_speech_over: bool = attrs.field(default=False, init=False)
    text: str = attrs.field(default="", init=False)
    replied: str = attrs.field(default="", init=False)
    """What was told of the reply itself, without questions before it."""
    before: str = attrs.field(default="", init=False)
    """What earlier answers of the same turn have told: each ended with a call of the client's."""
    heard: str | None = attrs.field(default=None, init=False)
    """Of the answer's text, if it was cut."""
    cut: CutReason | None = attrs.field(default=None, init=False)
    problem: ApiProblem | None = attrs.field(default=None, init=False)

    @property
    def part(self) -> JsonObject:
        """The part as ``response.content_part`` has it."""
        if self.speech is None:
            return {"type": "text", "text": self.text}
        return {"type": "audio", "transcript": self.text}

    def follow(self, before: "RealtimeResponse") -> None:
        """Go on with the turn of the answer before, after the client's call."""
        self.turn_id, self.replied = before.turn_id, before.replied
        self.before = f"{before.before} {before.text}".strip()
        if self.speech is not None and before.speech is not None:
            self.speech.follow(before.speech)

    @property
    def heard_text(self) -> str:
        """Of its own text what was heard, if it was cut."""
        return (self.heard or "").removeprefix(self.before).strip()

    def status_after(self, outcome: events.Outcome) -> ResponseStatus:
        """Return its status when its turn has ended like that; of what was cut, keep what was heard."""
        if outcome == "interrupted":
            self.cut = self.cut or "turn_detected"
            if self.speech is not None:
                self.text = self.heard_text
            return "cancelled"
        return "failed" if self.problem is not None or not self.text else "completed"

    def item(self, status: str) -> JsonObject:
        """Return its item, whose content is named otherwise than the part."""
        return message_item(self.item_id, "assistant", *self._content(), status=status)

    def _content(self) -> list[JsonObject]:
        if not self.text:
            return []
        return [{**self.part, "type": "output_text" if self.speech is None else "output_audio"}]

    @property
    def place(self) -> JsonObject:
        """The fields by which events name the part."""
        return {"response_id": self.response_id, "item_id": self.item_id, "output_index": 0, "content_index": 0}


@attrs.frozen
class ResponseFrames:
    """Writes the events of answers."""

    wire: ServerFrames
    items: ConversationItems

    def text(self, response: RealtimeResponse, delta: str, *, is_joined: bool = False) -> list[str]:
        """Tell more of the text; a new sentence is set apart from a question before it, unless it ``is_joined``."""
        frames = self.begin(response)
        if not delta:
            return frames
        if response.text and not is_joined:
            delta = f" {delta}"
        elif not response.text:
            delta = delta.lstrip()
        response.text += delta
        name = "response.output_text.delta" if response.speech is None else "response.output_audio_transcript.delta"
        return [*frames, self.wire.frame(name, **response.place, delta=delta)]

    def audio(self, response: RealtimeResponse, delta: str) -> list[str]:
        """Tell more audio, in base64; nothing if there is none."""
        name = "response.output_audio.delta"
        return [self.wire.frame(name, **response.place, delta=delta)] if delta else []

    def begin(self, response: RealtimeResponse) -> list[str]:
        """Tell the answer's item and its part, once."""
        if response.is_begun:
            return []
        response.is_begun = True
        item = response.item("in_progress")
        before = self.items.add(item)
        return [
            self.wire.frame("response.output_item.added", response_id=response.response_id, output_index=0, item=item),
            self.wire.frame("conversation.item.added", previous_item_id=before, item=item),
            self.wire.frame("response.content_part.added", **response.place, part=response.part),
        ]

    def end_speech(self, response: RealtimeResponse) -> list[str]:
        """Tell the end of the audio once, with the rest of it unless the answer was cut."""
        if response.speech is None or response.is_speech_over:
            return []
        response.is_speech_over = True
        frames = [] if response.cut is not None else self.audio(response, response.speech.last_delta())
        return [*frames, self.wire.frame("response.output_audio.done", **response.place)]

    def end(self, response: RealtimeResponse, status: ResponseStatus, call: events.ToolCall | None = None) -> list[str]:
        """Tell the end of everything that has begun, and the call that the client is to make."""
        output: list[JsonObject] = []
        frames: list[str] = []
        if response.is_begun:
            item = response.item("completed" if status == "completed" else "incomplete")
            output.append(item)
            kept = self.items.get(response.item_id)
            if kept is not None:
                kept |= item
            frames = [*self.end_speech(response), *self._end_part(response, item)]
        if call is not None:
            call_frames, item = self._call(response, call, len(output))
            frames += call_frames
            output.append(item)
        return [*frames, self.told("response.done", response, status, output)]

    def _call(
        self, response: RealtimeResponse, call: events.ToolCall, output_index: int
    ) -> tuple[list[str], JsonObject]:
        """Tell a call, whole: the session knows its arguments at once. Return its item besides."""
        arguments = msgspec.json.encode(dict(call.arguments)).decode()
        item_id, call_id = self.wire.new_id("item"), call.call_id
        begun = call_item(item_id, call_id, call.tool, "", status="in_progress")
        item = call_item(item_id, call_id, call.tool, arguments)
        before = self.items.add(item)
        place = {"response_id": response.response_id, "output_index": output_index}
        of_call = place | {"item_id": item_id, "call_id": call_id}
        name = "response.function_call_arguments"
        frames = [
            self.wire.frame("response.output_item.added", **place, item=begun),
            self.wire.frame("conversation.item.added", previous_item_id=before, item=begun),
            self.wire.frame(f"{name}.delta", **of_call, delta=arguments),
            self.wire.frame(f"{name}.done", **of_call, name=call.tool, arguments=arguments),
            self.wire.frame("conversation.item.done", previous_item_id=before, item=item),
            self.wire.frame("response.output_item.done", **place, item=item),
        ]
        return frames, item

    def _end_part(self, response: RealtimeResponse, item: JsonObject) -> list[str]:
        if response.speech is None:
            text = self.wire.frame("response.output_text.done", **response.place, text=response.text)
        else:
            name = "response.output_audio_transcript.done"
            text = self.wire.frame(name, **response.place, transcript=response.text)
        done = "response.output_item.done"
        return [
            text,
            self.wire.frame("response.content_part.done", **response.place, part=response.part),
            self.wire.frame("conversation.item.done", previous_item_id=None, item=item),
            self.wire.frame(done, response_id=response.response_id, output_index=0, item=item),
        ]

    def told(
        self,
        name: str,
        response: RealtimeResponse,
        status: ResponseStatus = "in_progress",
        output: list[JsonObject] | None = None,
    ) -> str:
        """Return an event about the whole answer."""
        content = {
            "id": response.response_id,
            "object": "realtime.response",
            "status": status,
            "status_details": _details(response, status),
            "output": output or [],
            "output_modalities": ["text" if response.speech is None else "audio"],
            "metadata": response.metadata,
            "usage": None if status == "in_progress" else dict(NO_USAGE),
        }
        return self.wire.frame(name, response=content)


def _details(response: RealtimeResponse, status: ResponseStatus) -> JsonObject | None:
    """Return why an answer is not complete."""
    if status == "cancelled":
        return {"type": status, "reason": response.cut}
    if status != "failed":
        return None
    problem = response.problem or ApiProblem("no_answer", "there was no answer", "server_error")
    return {"type": status, "error": {"type": problem.type, "code": problem.code}}
