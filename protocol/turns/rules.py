"""The rules of a session's conversation: a table of state and event; data only.

Rules kept here:

* The state says what the running turn is doing; what is not in the table is a bug of ours.
* The steps of a cell are taken in order. Each is one decision of ``ConversationMachine``; the dialogue only performs
  what comes of it.
* ``docs/turn.md`` is drawn from this table, and a test compares the two.
"""

import enum
from collections.abc import Mapping
from typing import Final


class ConversationState(enum.Enum):
    """What a conversation is doing now."""

    CLOSED = "closed"
    """The handshake has not been made: what is said or typed waits."""
    IDLE = "idle"
    """No turn runs."""
    WORKING = "working"
    """A turn runs, and the client hears nothing of it."""
    ASKING = "asking"
    """A turn waits for a yes or no."""
    ANSWERING = "answering"
    """A turn's answer can be heard or is about to be, or further commands of its sentence are to come."""
    ENDING = "ending"
    """A turn is over, and the client is being told."""


class ConversationEvent(enum.Enum):
    """What may happen to a conversation."""

    RESTORED = "the dialogue has started"
    OPTIONS_GIVEN = "options given"
    SPEECH_BEGAN = "speech began"
    SPEECH_REPEATED = "speech began again"
    """An audio actor that was restarted hears the same speech again."""
    SPEECH_LASTED = "speech lasted for barge_in_ms"
    SPEECH_PAUSED = "speech paused"
    SPEECH_GREW = "speech goes on"
    SPEECH_DROPPED = "no speech after all"
    SPEECH_UNKNOWN = "speech without a turn"
    """It goes on or was nothing, and the turn that it opened has ended, as after a crash."""
    UTTERANCE_ENDED = "utterance ended"
    UTTERANCE_FOLLOWS = "utterance ended, soon behind the turn's own"
    """It may be the rest of the sentence that the running turn is about."""
    UTTERANCE_KEPT = "utterance ended, to be answered on request"
    ONLY_HEARD = "utterance heard without an answer"
    NOTHING_OPEN = "audio ended without speech"
    GOES_ON = "it is the rest of the turn's sentence"
    NOT_THE_REST = "it is something of its own"
    BARGE_IN_WORDS = "words into the answer"
    BARGE_IN_NOTHING = "no words into the answer"
    TEXT_TYPED = "text typed"
    ANSWER_WANTED = "answer asked for"
    INTERRUPTED = "interrupt"
    CONFIRMED = "confirm"
    CONFIRMED_NOTHING = "confirm without its question"
    OUTPUT_GIVEN = "output of the client's tool"
    OUTPUT_UNWANTED = "output that no call waits for"
    ANSWER_CLEAR = "yes or no"
    ANSWER_OTHER = "other words to a question"
    ANSWER_EMPTY = "no words to a question"
    ANSWER_FAILED = "words to a question not heard"
    CLIENT_LOST = "client lost"
    CLIENT_BACK = "client back"
    ANNOUNCED = "announcement"
    BYE = "bye"
    BYE_IN_SPEECH = "bye during speech"
    LEAVING = "server leaves"
    TURN_ENDED = "turn ended"
    OUTDATED = "news of a turn that is over"


class Step(enum.Enum):
    """One thing that a conversation does; the value describes it for ``docs/turn.md``."""

    TELL = "tell the client"
    """Hand out the actions that belong to the event itself, whatever the state."""
    OPEN_HEARING = "open a turn for the speech"
    CLOSE_HEARING = "close the speech"
    GIVE_UP_EARLY = "give up the early transcript"
    END_PARTIAL = "end partial transcripts"
    TIME_SPEECH = "time the speech"
    STOP_TIMING = "stop timing"
    HOLD = "hold"
    RESUME = "resume"
    CUT = "cut"
    WEIGH = "transcribe it while the answer is held"
    WEIGH_REST = "see whether it is the rest of the sentence"
    SUPERSEDE = "cut, when a call that was sent has ended"
    QUEUE = "queue"
    ONLY_HEAR = "transcribe it behind earlier ones"
    FORGET_HEARING = "forget the utterance"
    KEEP_WORDS = "keep the words"
    UNQUEUE = "take it from the queue"
    HEAR_ANSWER = "hear what waits as the answer"
    CONSENT = "answer the question"
    GIVE_OUTPUT = "hand on the output"
    COMPLETE_DONE = "complete: done"
    COMPLETE_NO_SPEECH = "complete: no_speech"
    COMPLETE_FAILED = "complete: failed"
    COMPLETE_INTERRUPTED = "complete: interrupted"
    COMPLETE_LOST = "complete lost turns"
    KEEP_ANNOUNCEMENT = "keep the announcement"
    KEEP_FAREWELL = "leave when all is done"
    OPEN = "open"
    FORGET_TURN = "forget the turn"
    START_NEXT = "start what waits"
    HANG_UP = "hang up"


Steps = tuple[Step, ...]
Row = Mapping[ConversationState, Steps]

_S, _E, _D = ConversationState, ConversationEvent, Step
_WITH_TURN: Final = (_S.WORKING, _S.ASKING, _S.ANSWERING)


def _always(*steps: Step) -> dict[ConversationState, Steps]:
    return dict.fromkeys(ConversationState, steps)


def _resuming(before: Steps, after: Steps = ()) -> dict[ConversationState, Steps]:
    """Return the row of an event that may let a held answer go on."""
    return _always(*before, *after) | dict.fromkeys(_WITH_TURN, (*before, _D.RESUME, *after))


_UTTERANCE = (_D.END_PARTIAL, _D.CLOSE_HEARING, _D.TELL, _D.STOP_TIMING)
_BEGIN = (_D.GIVE_UP_EARLY, _D.OPEN_HEARING, _D.TELL)

CONVERSATION: Final[Mapping[ConversationEvent, Row]] = {
    _E.RESTORED: dict.fromkeys((_S.CLOSED, _S.IDLE), (_D.COMPLETE_LOST, _D.START_NEXT)),
    _E.OPTIONS_GIVEN: _always(_D.OPEN),
    _E.SPEECH_BEGAN: _always(*_BEGIN)
    | {_S.WORKING: (*_BEGIN, _D.TIME_SPEECH), _S.ANSWERING: (*_BEGIN, _D.TIME_SPEECH)},
    _E.SPEECH_REPEATED: _always(_D.GIVE_UP_EARLY),
    _E.SPEECH_LASTED: _always() | dict.fromkeys(_WITH_TURN, (_D.HOLD,)),
    _E.SPEECH_PAUSED: _always(_D.GIVE_UP_EARLY, _D.TELL) | {_S.CLOSED: (_D.GIVE_UP_EARLY,)},
    _E.SPEECH_GREW: _always(_D.GIVE_UP_EARLY, _D.TELL) | {_S.CLOSED: (_D.GIVE_UP_EARLY,)},
    _E.SPEECH_DROPPED: _resuming(
        (
            _D.GIVE_UP_EARLY,
            _D.END_PARTIAL,
            _D.STOP_TIMING,
            _D.CLOSE_HEARING,
            _D.TELL,
            _D.COMPLETE_NO_SPEECH,
        ),
        (_D.START_NEXT,),  # an announcement may have waited for the pause
    ),
    _E.SPEECH_UNKNOWN: _always(_D.GIVE_UP_EARLY, _D.END_PARTIAL, _D.STOP_TIMING),
    _E.UTTERANCE_ENDED: _resuming(_UTTERANCE, (_D.QUEUE, _D.START_NEXT))
    | {
        _S.ASKING: (*_UTTERANCE, _D.RESUME, _D.QUEUE, _D.HEAR_ANSWER),  # a question that was held has to be heard
        _S.ANSWERING: (*_UTTERANCE, _D.HOLD, _D.QUEUE, _D.WEIGH),
    },
    _E.UTTERANCE_FOLLOWS: _resuming(_UTTERANCE, (_D.QUEUE, _D.START_NEXT))
    | {
        _S.WORKING: (*_UTTERANCE, _D.HOLD, _D.QUEUE, _D.WEIGH_REST),
        _S.ASKING: (*_UTTERANCE, _D.RESUME, _D.QUEUE, _D.HEAR_ANSWER),
        _S.ANSWERING: (*_UTTERANCE, _D.HOLD, _D.QUEUE, _D.WEIGH),
    },
    _E.UTTERANCE_KEPT: _resuming(_UTTERANCE, (_D.ONLY_HEAR,))
    | {
        _S.ASKING: (*_UTTERANCE, _D.RESUME, _D.QUEUE, _D.HEAR_ANSWER),
        _S.ANSWERING: (*_UTTERANCE, _D.HOLD, _D.QUEUE, _D.WEIGH),
    },
    _E.ONLY_HEARD: _always(_D.FORGET_HEARING, _D.START_NEXT),
    _E.NOTHING_OPEN: _always(_D.TELL),
    _E.GOES_ON: dict.fromkeys((*_WITH_TURN, _S.ENDING), (_D.KEEP_WORDS, _D.SUPERSEDE)),
    _E.NOT_THE_REST: dict.fromkeys(_WITH_TURN, (_D.KEEP_WORDS, _D.RESUME)) | {_S.ENDING: (_D.KEEP_WORDS,)},
    _E.BARGE_IN_WORDS: dict.fromkeys((*_WITH_TURN, _S.ENDING), (_D.KEEP_WORDS, _D.CUT)),
    _E.BARGE_IN_NOTHING: dict.fromkeys(_WITH_TURN, (_D.UNQUEUE, _D.TELL, _D.COMPLETE_NO_SPEECH, _D.RESUME))
    | {_S.ENDING: (_D.UNQUEUE, _D.TELL, _D.COMPLETE_NO_SPEECH)},
    _E.TEXT_TYPED: _always(_D.QUEUE, _D.START_NEXT)
    | {
        _S.WORKING: (_D.HOLD, _D.QUEUE, _D.WEIGH_REST),  # what is worked out goes on
        _S.ASKING: (_D.QUEUE, _D.HEAR_ANSWER),
        _S.ANSWERING: (_D.CUT, _D.QUEUE),
    },
    _E.ANSWER_WANTED: _always(_D.QUEUE, _D.START_NEXT),
    _E.INTERRUPTED: _always(_D.CUT) | {_S.CLOSED: (), _S.IDLE: ()},
    _E.CONFIRMED: {_S.ASKING: (_D.CONSENT,)},
    _E.CONFIRMED_NOTHING: _always(_D.TELL),
    _E.OUTPUT_GIVEN: dict.fromkeys((_S.WORKING, _S.ANSWERING), (_D.GIVE_OUTPUT,)),
    _E.OUTPUT_UNWANTED: _always(_D.TELL),
    _E.ANSWER_CLEAR: _always(_D.COMPLETE_DONE, _D.START_NEXT)
    | {_S.ASKING: (_D.CONSENT, _D.COMPLETE_DONE, _D.START_NEXT)},
    _E.ANSWER_OTHER: _always(_D.QUEUE, _D.START_NEXT) | {_S.ASKING: (_D.CONSENT, _D.QUEUE)},  # a no, and another turn
    _E.ANSWER_EMPTY: _always(_D.COMPLETE_NO_SPEECH, _D.START_NEXT),  # a cough is no answer
    _E.ANSWER_FAILED: _always(_D.TELL, _D.COMPLETE_FAILED, _D.START_NEXT),  # the question stays open
    _E.CLIENT_LOST: _always() | dict.fromkeys(_WITH_TURN, (_D.HOLD,)),
    _E.CLIENT_BACK: _resuming((_D.TELL,)),
    _E.ANNOUNCED: _always(_D.KEEP_ANNOUNCEMENT, _D.START_NEXT),
    _E.BYE: _always(_D.KEEP_FAREWELL, _D.START_NEXT),
    _E.BYE_IN_SPEECH: _resuming(
        (_D.KEEP_FAREWELL, _D.STOP_TIMING, _D.CLOSE_HEARING, _D.COMPLETE_INTERRUPTED), (_D.START_NEXT,)
    ),
    _E.LEAVING: _always(_D.KEEP_FAREWELL, _D.TELL, _D.START_NEXT)
    | {_S.CLOSED: (_D.KEEP_FAREWELL, _D.HANG_UP)},  # there is no client to notify
    _E.TURN_ENDED: {_S.ENDING: (_D.STOP_TIMING, _D.FORGET_TURN, _D.START_NEXT)},
    _E.OUTDATED: _always(),
}
