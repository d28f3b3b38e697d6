from backends.builtin.asker import ASKER, Asker, asker
from protocol.messages.identity import LOCAL_USER


def test_the_sender_of_the_request_asks():
    assert asker().user == LOCAL_USER
    token = ASKER.set(Asker("ada", "kitchen"))
    assert (asker().user, asker().session_id, asker().changes) == ("ada", "kitchen", [])
    ASKER.reset(token)
