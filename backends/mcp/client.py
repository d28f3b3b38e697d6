"""MCP servers through the official SDK: programs over stdio and addresses over streamable HTTP.

Rules kept here:

* One block, one connection: leaving it ends the process, within the SDK's own bounds (stdin closed, 2 s, SIGTERM, 2 s,
  SIGKILL), also when it is left by an error or a cancellation.
* The SDK's errors come in nested groups out of its background tasks. They end at ``_run``, as a reason in words; the
  block's own body never sees one.
* A server is lost when its connection closes, or when it is silent for ``PING_INTERVAL_S + PING_TIMEOUT_S`` while no
  call is running. During a call silence is no proof: many servers run a tool on the loop that answers pings, and the
  call has its own time limit.
* A call is made once. A failed call is not repeated here. One whose arguments do not fit the tool's
  schema is not made at all.
"""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
import attrs
import httpx2
import trio
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import CONNECTION_CLOSED, EmptyResult, Tool, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from backends.mcp.announcements import (
    CALL_META_KEY,
    DATABASE_URL_VARIABLE,
    IDENTIFIER,
    LANGUAGE_META_KEY,
    SESSION_META_KEY,
    USER_META_KEY,
    Announcements,
    ListenersRequest,
    ToldRequest,
    listeners_request,
    told_request,
)
from backends.mcp.arguments import Checker
from backends.mcp.child_output import ChildOutput
from backends.mcp.http_problems import HttpAnswers
from backends.mcp.results import (
    MAX_TOOLS,
    bounded,
    choices_of,
    prompt_offer,
    resource_offer,
    result_text,
    taken_tools,
    undo_of,
)
from backends.mcp.sdk_log import SERVER, filter_sdk_logs
from backends.protocols import CallNotSent, ToolConnection, ToolServerLost, ToolServerRefused, ToolsNotListed
from protocol.language.spoken_results import error_words
from protocol.messages.ask import PartSink
from protocol.messages.understanding import (
    CallProgress,
    CallTool,
    Choice,
    McpOffer,
    ToolAnnouncement,
    ToolOutcome,
    ToolSpec,
)
from runtime.messaging.exits import leaves
from runtime.messaging.pace import Pace

PING_INTERVAL_S = 1.0  # with the next one: a silent server is noticed within 2 s, while ours is used
PING_TIMEOUT_S = 1.0
EXTENSION_WITHIN_S = 5.0  # for a request that takes milliseconds
DRAIN_S = 0.2  # for the last words of a process that has ended
HTTP_TIMEOUT = httpx2.Timeout(10.0, read=300.0)  # a server may hold a response stream open; calls have their own limit
MAX_TOOL_PAGES = 20  # a paginator that never ends must not hang us
MAX_OFFERS = 500
MAX_NOTES = 10
MAX_ERROR_CHARS = 500
REFUSED = frozenset({401, 403})  # status: unauthorised, forbidden
CLOSED_MESSAGE = "Connection closed"  # the SDK's message; a server may use the same code for something else

log = logging.getLogger("sayso.mcp")

# errors of the SDK when a server is missing, dies, or sends something invalid
_FOREIGN = (
    MCPError,
    OSError,
    ValueError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)


@attrs.frozen(kw_only=True)
class McpSettings:
    """Settings that all servers share."""

    connect_timeout_s: float
    result_max_chars: int
    pace: Pace = attrs.field(factory=Pace.steady)
    """How often servers are pinged."""


class McpServers:
    """Opens connections to configured servers (``ToolServerFactory``).

    ``servers`` is as MCP clients write it: name to ``{command, args, env, cwd}`` or ``{url, headers}``; further keys
    are ignored. The value may also be a server in this process (an ``MCPServer``).
    """

    def __init__(self, servers: Mapping[str, Any], settings: McpSettings) -> None:
        self._servers = servers
        self._settings = settings
        filter_sdk_logs()

    def __call__(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Return the block that connects; entering raises ``ToolServerLost`` if that fails or takes too long."""
        return McpConnection(name, self._servers[name], self._settings, on_announcement)


def builtin_server_config(
    data_dir: Path, programs_json: str, owner: str = "", database: Path | None = None, url: str = ""
) -> Mapping[str, Any]:
    """Return the configuration of the built-in server, run by this interpreter with the packages next to this one.

    ``database`` is the SQLite file that users' things are kept in, one in ``data_dir`` if it is None; with ``url`` they
    are kept in PostgreSQL. ``owner`` is the name of this server among those that share it.
    """
    arguments = ["-m", "backends.builtin.server", "--data-dir", str(data_dir.absolute()), "--programs", programs_json]
    arguments += ["--owner", owner]
    if database is not None:
        arguments += ["--database", str(database.absolute())]
    root = str(Path(__file__).absolute().parents[2])
    secret = {DATABASE_URL_VARIABLE: url} if url else {}
    return {"command": sys.executable, "args": arguments, "env": {"PYTHONPATH": root, **secret}}


@attrs.frozen
class _Loss:
    """How a connection was lost."""

    reason: str
    is_refusal: bool = False
    """Whether our credentials were not accepted."""


@attrs.frozen
class ServerWords:
    """What a server says besides MCP: the output of a program, and the answers of an address."""

    output: ChildOutput
    answers: HttpAnswers = attrs.field(factory=HttpAnswers)


class McpConnection:
    """One connection (``ToolConnection``), and the block that it lives in."""

    def __init__(
        self, name: str, config: Any, settings: McpSettings, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> None:
        self.name = name
        self._config = config
        self._settings = settings
        self._on_announcement = on_announcement
        self._block = AsyncExitStack()
        self._scope = trio.CancelScope()
        self._heard = ServerWords(ChildOutput(name, log))
        self._client: Client | None = None
        self._settled = trio.Event()  # connected, or failed to
        self._lost = trio.Event()
        self._loss = _Loss("")
        self._calls = 0
        self._changed = trio.Event()
        self._checkers: dict[str, Checker] = {}
        self.notes: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        nursery = await self._block.enter_async_context(trio.open_nursery())
        nursery.start_soon(self._run)
        try:
            with trio.move_on_after(self._settings.connect_timeout_s):
                await self._settled.wait()
        finally:
            if self._client is None:
                self._lose(f"it did not answer within {self._settings.connect_timeout_s:g} s")
                await self._close()
        if self._client is None:
            raise (ToolServerRefused if self._loss.is_refusal else ToolServerLost)(self._told())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # the body's error is not passed into the nursery, which would wrap it in a group
        self._lose("it was closed")
        await self._close()

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        """Return the tools that are accepted; raises ``ToolServerLost``, ``ToolsNotListed`` if the server is late."""
        found: list[Tool] = []
        cursor: str | None = None
        client = self._connected()
        self._calls += 1  # many servers make their list on the loop that answers pings
        try:
            with trio.fail_after(self._settings.connect_timeout_s):
                for _ in range(MAX_TOOL_PAGES):
                    page = await client.list_tools(cursor=cursor)
                    found.extend(page.tools[: MAX_TOOLS + 1])
                    cursor = page.next_cursor
                    if cursor is None or len(found) > MAX_TOOLS:
                        break
        except trio.TooSlowError as error:
            within = f"within {self._settings.connect_timeout_s:g} s"
            raise ToolsNotListed(f"{self.name}: it did not list its tools {within}") from error
        except _FOREIGN as error:
            why = self._heard.answers.words_for(error) or _words(error)
            raise ToolServerLost(f"{self.name}: it did not list its tools: {why}") from error
        finally:
            self._calls -= 1
        taken, left_out = taken_tools(self.name, found, has_more=cursor is not None)
        self._checkers = {tool.name: Checker(tool.name, tool.input_schema) for tool in taken}
        self.notes = tuple(f"{self.name}: not taken is {each}" for each in left_out[:MAX_NOTES])
        return tuple(taken)

    async def list_offers(self) -> tuple[McpOffer, ...]:
        """Return the first page of its resources and of its prompts; a server that cannot list them has none."""
        client = self._connected()
        found: list[McpOffer] = []
        with trio.move_on_after(self._settings.connect_timeout_s):
            try:
                if client.server_capabilities.resources is not None:
                    resources = await client.list_resources()
                    found += [resource_offer(self.name, resource) for resource in resources.resources]
                if client.server_capabilities.prompts is not None:
                    prompts = await client.list_prompts()
                    found += [prompt_offer(self.name, prompt) for prompt in prompts.prompts]
            except _FOREIGN as error:
                log.info("%s does not list what else it has: %s", self.name, _words(error))
        return tuple(found[:MAX_OFFERS])

    async def call(self, request: CallTool) -> ToolOutcome:
        """Call a tool once; a failed call is ``ok=False``.

        Raises ``ToolServerLost``, and ``CallNotSent`` if the server was gone before.
        A call whose task is cancelled is cancelled at the server too.
        """
        client = self._connected()
        checker = self._checkers.get(request.tool)
        problem = None if checker is None else checker.problem(request.arguments)
        if problem is not None:
            return ToolOutcome(ok=False, content="", duration_s=0.0, error=problem)
        meta: Any = {
            SESSION_META_KEY: request.session_id,
            CALL_META_KEY: request.call_id,
            LANGUAGE_META_KEY: request.language,
            USER_META_KEY: request.user,
        }
        started_s = trio.current_time()
        content, choices, undo = "", tuple[Choice, ...](), None
        self._calls += 1
        try:
            result = await client.call_tool(
                request.tool,
                dict(request.arguments),
                progress_callback=_progress_callback(request.progress_sink),
                meta=meta,
            )
            content = result_text(result, self._settings.result_max_chars)
            choices, undo = choices_of(result), undo_of(result)
            error = (error_words(content) or "it failed without a word") if result.is_error else ""
        except _FOREIGN as foreign:
            if _is_closed(foreign) or self._loss.is_refusal:
                self._lose("the connection was closed")
                raise ToolServerLost(self._told()) from foreign
            error = self._heard.answers.words_for(foreign) or _words(foreign)
        finally:
            self._calls -= 1
        return ToolOutcome(not error, content, trio.current_time() - started_s, error or None, choices, undo)

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        """Tell a server with the extension which sessions there are, with the user of each."""
        await self._ask_extension(listeners_request(sessions))

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        """Tell a server with the extension that announcements were said; return whether it knows."""
        return await self._ask_extension(told_request(receipts))

    async def _ask_extension(self, request: ListenersRequest | ToldRequest) -> bool:
        """Send a request of our extension to a server that has it; return whether nothing failed."""
        client = self._connected()
        if IDENTIFIER not in (client.server_capabilities.extensions or {}):
            return True
        self._calls += 1
        try:
            with trio.fail_after(EXTENSION_WITHIN_S):
                await client.session.send_request(request, EmptyResult)
        except (*_FOREIGN, trio.TooSlowError) as error:
            log.warning("%s did not take %s: %s", self.name, request.method, _words(error))
            return False
        finally:
            self._calls -= 1
        return True

    async def wait_lost(self) -> str:
        """Wait until the server is gone or silent; return why."""
        await self._lost.wait()
        return self._told()

    async def wait_changed(self) -> None:
        """Wait until the server says that its tools have changed."""
        await self._changed.wait()
        self._changed = trio.Event()

    def _connected(self) -> Client:
        if self._client is None or self._lost.is_set():
            raise CallNotSent(self._told())
        return self._client

    # --- the connection's own task ---------------------------------------------------------------

    async def _run(self) -> None:
        SERVER.set(self.name)  # every task of this connection inherits it
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heard.output.run)
            try:
                with self._scope:
                    await self._stay_connected()
            except* _FOREIGN as group:
                self._lose("; ".join(dict.fromkeys(self._reason_of(error) for error in leaves(group))))
            finally:
                self._heard.output.close()
                self._settled.set()
            nursery.cancel_scope.deadline = trio.current_time() + DRAIN_S  # a grandchild may hold the pipe open

    async def _stay_connected(self) -> None:
        async with AsyncExitStack() as stack:
            transport = await self._transport(stack)
            client = await stack.enter_async_context(
                Client(
                    transport,
                    extensions=[Announcements(self._on_announcement)],
                    message_handler=self._on_message,
                )
            )
            self._heard.output.close()
            self._client = client
            self._settled.set()
            log.info("connected to %s, protocol %s", self.name, client.protocol_version)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, client)
                self._lose(await self._watch(client))
                nursery.cancel_scope.cancel()

    async def _on_message(self, message: object) -> None:
        """Handle notifications of servers of the older protocol generation."""
        await trio.lowlevel.checkpoint()
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    async def _listen(self, client: Client) -> None:
        """Handle notifications about tools of servers of the newer protocol generation."""
        tools = client.server_capabilities.tools
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS or tools is None or not tools.list_changed:
            return
        while True:
            try:
                async with client.listen(tools_list_changed=True) as subscription:
                    async for _ in subscription:
                        self._changed.set()
            except SubscriptionLost as error:
                log.debug("%s: %s", self.name, error)
            except MCPError as error:
                log.info("%s does not tell when its tools change: %s", self.name, _words(error))
                return
            await trio.sleep(PING_INTERVAL_S)
            self._changed.set()  # changes are not announced twice: list the tools to find those missed

    async def _transport(self, stack: AsyncExitStack) -> Any:
        """Return the transport for the SDK: streams of a process or of an address, or a server in this process."""
        config = self._config
        if not isinstance(config, Mapping):
            return config
        if "command" in config:
            parameters = StdioServerParameters(
                command=config["command"],
                args=list(config.get("args", ())),
                env=config.get("env"),
                cwd=config.get("cwd"),
            )
            return stdio_client(parameters, errlog=self._heard.output.file)
        if "url" in config:
            http = await stack.enter_async_context(
                httpx2.AsyncClient(
                    headers=dict(config.get("headers", {})),
                    timeout=HTTP_TIMEOUT,
                    event_hooks={"response": [self._heard.answers.take, self._see_status]},
                )
            )
            return streamable_http_client(config["url"], http_client=http)
        raise ValueError(f"a tool server must have a command or a url, not {sorted(config)}")

    async def _see_status(self, response: httpx2.Response) -> None:
        """Note a server that does not accept our credentials, also in mid-connection: it is not pinged any more."""
        if response.status_code in REFUSED:
            self._lose(f"it does not accept the credentials (status {response.status_code})", is_refusal=True)

    async def _watch(self, client: Client) -> str:
        """Ping until the server is lost; return why."""
        while True:
            await self._settings.pace.wait(PING_INTERVAL_S)
            was_busy = self._calls > 0
            try:
                with trio.fail_after(PING_TIMEOUT_S):
                    await _ping(client)
            except trio.TooSlowError:
                if not was_busy and not self._calls:
                    return f"it was silent for {PING_INTERVAL_S + PING_TIMEOUT_S:g} s"
            except MCPError as error:  # any answer is a sign of life
                if _is_closed(error):
                    return "the connection was closed"

    async def _close(self) -> None:
        self._scope.cancel()
        await self._block.aclose()

    def _lose(self, reason: str, *, is_refusal: bool = False) -> None:
        """Note that the server is lost; the first reason is kept."""
        if not self._lost.is_set():
            self._loss = _Loss(reason, is_refusal)
            self._lost.set()

    def _told(self) -> str:
        last_words = f"; it last wrote: {self._heard.output.last_line}" if self._heard.output.last_line else ""
        return bounded(f"{self.name}: {self._loss.reason}{last_words}", MAX_ERROR_CHARS)

    def _reason_of(self, error: BaseException) -> str:
        if isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)) and "command" in self._config:
            cwd = self._config.get("cwd")
            if cwd is not None and not Path(cwd).is_dir():
                return f"its folder {cwd} does not exist"
            why = "may not be executed" if isinstance(error, PermissionError) else "was not found"
            return f"the command {self._config['command']!r} {why}; is it installed and on PATH?"
        told = self._heard.answers.words_for(error)
        return told or ("the connection was closed" if _is_closed(error) else _words(error))


def _progress_callback(sink: PartSink[CallProgress] | None) -> ProgressFnT | None:
    if sink is None:
        return None

    async def callback(progress: float, total: float | None, message: str | None) -> None:
        await sink.send(CallProgress(progress, total, message))

    return callback


async def _ping(client: Client) -> None:
    """Send the ping of the negotiated protocol generation."""
    if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
        await client.session.send_discover(client.protocol_version)
    else:
        await client.session.send_ping()


def _is_closed(error: BaseException) -> bool:
    if isinstance(error, MCPError):
        return error.error.code == CONNECTION_CLOSED and error.error.message == CLOSED_MESSAGE
    return isinstance(error, (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream))


def _words(error: BaseException) -> str:
    """Return an error as one line of bounded length."""
    text = " ".join(str(error).split())
    return bounded(text or type(error).__name__, MAX_ERROR_CHARS)
