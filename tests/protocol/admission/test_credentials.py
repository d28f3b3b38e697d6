import pytest

from protocol.admission.credentials import CREDENTIAL_MAX, Presented, as_subprotocol
from protocol.admission.credentials import presented as found


def presented(headers: dict[str, str]) -> str | None:
    """Return the text of what a program presents."""
    shown = found(headers)
    assert shown is None or shown.audience == "api"
    return None if shown is None else shown.text


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


@pytest.mark.parametrize("scheme", ["token", "Token", "bearer"])
def test_a_page_of_deepgrams_offers_a_scheme_and_then_its_key(scheme: str) -> None:
    assert presented({"sec-websocket-protocol": f"{scheme}, {KEY}"}) == KEY
    assert presented({"sec-websocket-protocol": scheme}) is None
    assert presented({"sec-websocket-protocol": f"{scheme}, {'k' * (CREDENTIAL_MAX + 1)}"}) == ""


@pytest.mark.parametrize(
    "name", ["sayso.key.", "sayso.key.!!!!", "sayso.key.A", "sayso.key.w4Q", "sayso.key." + "Q" * 4_000]
)
def test_a_subprotocol_that_cannot_be_read_is_a_wrong_key(name: str) -> None:
    assert presented({"sec-websocket-protocol": f"sayso.v1, {name}"}) == ""


def test_without_either_there_is_none() -> None:
    assert presented({}) is None
    assert presented({"sec-websocket-protocol": "sayso.v1"}) is None


def test_a_page_has_its_cookie_which_comes_last() -> None:
    cookie = {"cookie": "a=b; sayso_login=sayso-token.x.y; c=d"}
    shown = found(cookie)
    assert shown == Presented("sayso-token.x.y", "page")
    assert "sayso-token" not in repr(shown)
    assert found(cookie | {"authorization": f"Bearer {KEY}"}) == Presented(KEY)


@pytest.mark.parametrize("cookie", ["", "sayso_login", "sayso_logins=x", "other=sayso_login=x", ";;=;"])
def test_other_cookies_are_none(cookie: str) -> None:
    assert found({"cookie": cookie}) is None
