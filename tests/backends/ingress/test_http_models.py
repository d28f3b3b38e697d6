from typing import Any

import attrs
import httpx2
import pytest
from quart_trio import QuartTrio

from backends.ingress.http_app import on_actor_failure
from backends.ingress.http_models import ModelServices, add_model_routes
from protocol.messages.models import ModelShown
from runtime import DomainError
from runtime.messaging.errors import AskError
from tests.backends.ingress.ingress_fixtures import serving


@attrs.define
class Server:
    """Has tiny.en, and loads base."""

    asked: list[tuple[str, str]] = attrs.field(factory=list)

    async def shown(self) -> tuple[ModelShown, ...]:
        return (ModelShown("tiny.en", "loaded", is_usual=True, device="cpu", compute_type="int8"),)

    async def load(self, name: str) -> ModelShown:
        self.asked.append(("load", name))
        if name == "huge":
            raise DomainError("model huge needs more than there is")
        return ModelShown(name, "loaded")

    async def unload(self, name: str) -> ModelShown:
        self.asked.append(("unload", name))
        return ModelShown(name, "available")

    def app(self) -> QuartTrio:
        app = QuartTrio(__name__, static_folder=None)
        add_model_routes(app, ModelServices(self.shown, self.load, self.unload))
        app.register_error_handler(AskError, on_actor_failure)
        return app


async def posted(server: Server, path: str, **request: Any) -> httpx2.Response:
    async with serving(app=server.app()) as listener, httpx2.AsyncClient() as client:
        return await client.post(f"http://127.0.0.1:{listener.port}{path}", **request)


async def test_the_models_are_listed() -> None:
    async with serving(app=Server().app()) as listener, httpx2.AsyncClient() as client:
        page = (await client.get(f"http://127.0.0.1:{listener.port}/api/models")).json()
    [model] = page["models"]
    assert (model["name"], model["state"], model["device"], model["compute_type"]) == (
        "tiny.en", "loaded", "cpu", "int8",
    )  # fmt: skip


@pytest.mark.parametrize(("verb", "state"), [("load", "loaded"), ("unload", "available")])
async def test_an_operator_can_change_what_is_loaded(verb: str, state: str) -> None:
    server = Server()
    response = await posted(server, f"/api/models/{verb}", json={"name": "owner/model"})
    assert (response.status_code, response.json()["state"]) == (200, state)
    assert server.asked == [(verb, "owner/model")]


async def test_what_cannot_be_loaded_is_told_with_the_reason() -> None:
    response = await posted(Server(), "/api/models/load", json={"name": "huge"})
    assert (response.status_code, response.json()["error"]) == (503, "model huge needs more than there is")


@pytest.mark.parametrize("body", [b"", b"base", b'{"model": "base"}', b'{"name": 3}'])
async def test_a_senseless_request_is_refused_with_a_sentence(body: bytes) -> None:
    server = Server()
    response = await posted(server, "/api/models/load", content=body)
    assert response.status_code == 400
    assert 'the body must be like {"name": "base"}' in response.json()["error"]
    assert server.asked == []


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {"Host": "x"}, {"X-Real-IP": "203.0.113.9"}])
async def test_no_web_page_can_load_models(headers: dict[str, str]) -> None:
    server = Server()
    response = await posted(server, "/api/models/load", json={"name": "base"}, headers=headers)
    assert (response.status_code, server.asked) == (403, [])
