import pytest

from protocol.admission.credentials import CREDENTIAL_MAX, as_subprotocol, presented

KEY = "sayso_0123456789ab_" + "s" * 43


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f"Token {KEY}", f" Bearer  {KEY} "])
def test_a_key_stands_in_authorization(value: str) -> None:
    assert presented({"authorization": value}) == KEY


@pytest.mark.parametrize("value", ["Basic YTpi", KEY, "", "Bearer", "Bearer " + "k" * (CREDENTIAL_MAX + 1), "\x00"])
def test_another_authorization_is_a_wrong_key_and_not_none(value: str) -> None:
    assert presented({"authorization": value}) == ""
    assert presented({"authorization": value, "sec-websocket-protocol": as_subprotocol(KEY)}) == ""


def test_two_authorizations_are_no_key() -> None:
    assert presented({"authorization": f"Bearer {KEY}, Bearer {KEY}"}) == f"{KEY}, Bearer {KEY}"


def test_a_page_offers_its_key_as_a_subprotocol() -> None:
    assert presented({"sec-websocket-protocol": f"sayso.v1, {as_subprotocol(KEY)}"}) == KEY
    assert presented({"sec-websocket-protocol": f"realtime,openai-insecure-api-key.{KEY}"}) == KEY


@pytest.mark.parametrize(
    "name", ["sayso.key.", "sayso.key.!!!!", "sayso.key.A", "sayso.key.w4Q", "sayso.key." + "Q" * 4_000]
)
def test_a_subprotocol_that_cannot_be_read_is_a_wrong_key(name: str) -> None:
    assert presented({"sec-websocket-protocol": f"sayso.v1, {name}"}) == ""


def test_without_either_there_is_none() -> None:
    assert presented({}) is None
    assert presented({"sec-websocket-protocol": "sayso.v1"}) is None
