"""The messages of each actor: the types of their references."""

from protocol.messages.events import (
    AudioDiscard,
    AudioEnd,
    AudioStart,
    Bye,
    Confirm,
    Interrupt,
    Respond,
    Text,
    ToolOutput,
)
from protocol.messages.hearing import (
    AudioReceived,
    AudioRefused,
    NothingHeard,
    NothingOpen,
    PauseJudged,
    ReplyExpected,
    SpeechBegan,
    Transcribe,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.history import DeleteRecords, FindTurns, ListConversations
from protocol.messages.meaning import ReadMeaning
from protocol.messages.models import ListModels, LoadModel, UnloadModel
from protocol.messages.recordings import CloseRecording, ReadRecording
from protocol.messages.records import Count, Gauge, Observe, SessionRecord, ToolRecord, TurnRecord
from protocol.messages.searching import FindSentences
from protocol.messages.session import (
    Announce,
    Configured,
    DropAudio,
    GiveUp,
    Hang,
    Leave,
    LetGo,
    Presence,
    Send,
    SendAudio,
    StopAdmitting,
    WriteAgain,
)
from protocol.messages.speaking import Synthesise
from protocol.messages.traces import TurnTrace
from protocol.messages.understanding import AnnouncementTold, AwaitFirstTry, CallTool, Generate, ListTools

# of one session
AudioMessage = (
    AudioReceived
    | Configured
    | AudioStart
    | AudioEnd
    | AudioDiscard
    | Respond
    | Bye
    | PauseJudged
    | ReplyExpected
    | NothingHeard
)
ClientMessage = Send | SendAudio | DropAudio | AudioRefused | GiveUp | Hang | LetGo | WriteAgain
DialogueMessage = (
    SpeechBegan
    | UtterancePaused
    | UtteranceGrew
    | UtteranceEnded
    | UtteranceDropped
    | NothingOpen
    | Text
    | Respond
    | Interrupt
    | Confirm
    | ToolOutput
    | Presence
    | Announce
    | Configured
    | Bye
    | Leave
)

# of the server
GatewayMessage = StopAdmitting
HistoryMessage = SessionRecord | TurnRecord | ToolRecord | FindTurns | ListConversations | DeleteRecords
InferenceMessage = Generate
MeaningMessage = ReadMeaning
MediaMessage = ReadRecording | CloseRecording
MetricsMessage = Count | Gauge | Observe | TurnRecord | ToolRecord
MonitorMessage = TurnRecord | ToolRecord | Count
SpeechMessage = Synthesise
TracesMessage = TurnTrace
ToolServerMessage = ListTools | CallTool | AwaitFirstTry | AnnouncementTold
ToolsMessage = ListTools | CallTool | AnnouncementTold
TranscriptionMessage = Transcribe | FindSentences | ListModels | LoadModel | UnloadModel
