"""The error of a closed socket."""

import pytest

from protocol.messages.socket import SocketClosed


@pytest.mark.parametrize("is_from_peer", [False, True])
def test_a_closed_socket_has_its_code_and_the_side_that_closed_first(is_from_peer: bool) -> None:
    closed = SocketClosed(1000, "bye", is_from_peer=is_from_peer)
    assert (closed.code, closed.reason, closed.is_from_peer) == (1000, "bye", is_from_peer)
    assert closed.args == (1000, "bye")
