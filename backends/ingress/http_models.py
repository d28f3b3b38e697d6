"""The routes about speech models: list, load and unload.

Rules kept here:

* Every client may list them; loading and unloading is for requests from this machine, like a drain.
* A load is answered when the model can be used, or with the reason why not.
"""

from collections.abc import Awaitable, Callable, Sequence

import attrs
import msgspec
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.http_answers import admitted, failure
from backends.ingress.json_body import BadBody, read_json
from protocol.admission.identity import operator_refusal
from protocol.messages.models import ModelShown


class _NameBody(msgspec.Struct, forbid_unknown_fields=True):
    name: str


@attrs.frozen
class ModelServices:
    """The server's functions that the routes call."""

    shown: Callable[[], Awaitable[Sequence[ModelShown]]]
    load: Callable[[str], Awaitable[ModelShown]]
    """Raises ``AskError`` or ``MailboxError`` with the reason, as ``unload``."""
    unload: Callable[[str], Awaitable[ModelShown]]

    async def page(self) -> Response:
        """List the models."""
        return jsonify({"models": [attrs.asdict(model) for model in await self.shown()]})

    async def load_page(self) -> Response:
        """Load a model."""
        return await self._changed(self.load)

    async def unload_page(self) -> Response:
        """Unload a model."""
        return await self._changed(self.unload)

    async def _changed(self, change: Callable[[str], Awaitable[ModelShown]]) -> Response:
        refusal = operator_refusal(admitted().identity, "a request about models")
        if refusal is not None:
            return failure(403, refusal)
        try:
            name = read_json(await request.get_data(as_text=False), _NameBody).name
        except BadBody as error:
            return failure(400, f'the body must be like {{"name": "base"}}: {error}')
        return jsonify(attrs.asdict(await change(name)))


def add_model_routes(app: QuartTrio, models: ModelServices) -> None:
    """Add the routes to the app."""
    for path, view, method in (
        ("/api/models", models.page, "GET"),
        ("/api/models/load", models.load_page, "POST"),
        ("/api/models/unload", models.unload_page, "POST"),
    ):
        app.add_url_rule(path, endpoint=path, view_func=view, methods=[method])
