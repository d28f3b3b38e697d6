"""The route that lists what can be said: sample sentences of the command files, by language and intent."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.http_answers import failure
from protocol.language.languages import normalised, primary
from protocol.messages.understanding import CommandSamples

MAX_COMMANDS: Final = 1_000  # some 200 kB
MAX_SAMPLE_CHARS: Final = 200


@attrs.frozen
class CommandRoute:
    """What the route asks of the server."""

    samples: Callable[[], Sequence[CommandSamples]]
    """Of the files that are in force now."""

    async def page(self) -> Response:
        """List the commands of all languages, or of one."""
        try:
            language = primary(normalised(request.args.get("language", "")))
        except ValueError as error:
            return failure(400, str(error))
        return jsonify(commands_page(self.samples(), language))


def commands_page(samples: Sequence[CommandSamples], language: str | None) -> dict[str, Any]:
    """Return the commands of ``language`` (all if ``None``) as JSON types, and which languages there are.

    ``left_out`` counts the commands beyond ``MAX_COMMANDS``.
    """
    wanted = [command for command in samples if language in {None, command.language}]
    return {
        "languages": sorted({command.language for command in samples}),
        "commands": [_shown(command) for command in wanted[:MAX_COMMANDS]],
        "left_out": max(0, len(wanted) - MAX_COMMANDS),
    }


def _shown(command: CommandSamples) -> dict[str, Any]:
    samples = [text for text in command.samples if len(text) <= MAX_SAMPLE_CHARS]
    return attrs.asdict(command) | {"samples": samples}


def add_command_route(app: QuartTrio, route: CommandRoute) -> None:
    """Add it to the app."""
    app.add_url_rule("/api/commands", endpoint="/api/commands", view_func=route.page, methods=["GET"])
