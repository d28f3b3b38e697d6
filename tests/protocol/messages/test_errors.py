"""The errors that the protocol knows, and the codes that sockets are closed with."""

from pathlib import Path
from typing import get_args

from protocol.messages.errors import CloseCode, ErrorCode, LocalProtocolError, RemoteProtocolError

STANDARD = {1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013}
OURS = {4001, 4008, 4013, 4029, 4090, 4100}


def test_the_close_codes_are_those_that_clients_are_told_about() -> None:
    assert {int(code) for code in CloseCode} == STANDARD | OURS


def test_the_documentation_names_every_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    assert [code for code in get_args(ErrorCode) if f"`{code}`" not in text] == []
    assert [int(code) for code in CloseCode if str(int(code)) not in text] == []


def test_a_close_code_is_a_number_and_is_found_by_it() -> None:
    assert CloseCode(4090) is CloseCode.SUPERSEDED
    assert int(CloseCode.IDLE) == 4008
    assert f"{CloseCode.IDLE}" == "4008"


def test_a_remote_error_reads_as_its_message_and_is_not_fatal_by_itself() -> None:
    error = RemoteProtocolError("bad_field", "text.data.text: expected str, got int")
    assert str(error) == "text.data.text: expected str, got int"
    assert (error.code, error.fatal, error.close_code) == ("bad_field", False, None)


def test_our_bugs_are_not_caught_together_with_the_client_s_mistakes() -> None:
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)
