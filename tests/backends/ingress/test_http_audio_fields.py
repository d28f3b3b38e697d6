"""What a client of OpenAI's audio API may ask for, and what it is told of the rest."""

import pytest

from tests.backends.ingress.test_http_audio import House, running, upload


@pytest.mark.parametrize(
    ("written", "plain"), [("en-US", "en"), ("en_US", "en"), ("DE", "de"), ("german", "de"), ("auto", None)]
)
async def test_a_language_may_have_a_region_or_a_name(written: str, plain: str | None) -> None:
    house = House()
    async with running(house) as client:
        response = await upload(client, language=written)

    assert response.status_code == 200
    assert house.heard[0][1].language == plain


async def test_a_language_that_cannot_be_heard_is_refused_in_words() -> None:
    house = House()
    async with running(house) as client:
        response = await upload(client, language="fr")

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "fr is not heard"
    assert response.json()["error"]["param"] == "language"
