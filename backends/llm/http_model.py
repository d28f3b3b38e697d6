"""HTTP to a model's server: small answers, or one streamed completion at a time, every wait under a deadline.

Rules kept here:

* What goes wrong becomes a ``ProviderError`` that says what to do; keys never appear in it.
* Text that was passed on is kept in the error, so that it is not spoken twice.
* A server on this machine gets no proxy and a new connection per request (0.1 ms), so nothing stays open;
  connections to other machines are kept for the next request, because a TLS handshake costs two round trips.
"""

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import attrs
import httpx2
import msgspec
import trio

from backends.json_faults import JSON_FAULTS
from backends.llm.streams import BadStream
from backends.protocols import ProviderError
from protocol.messages.ask import PartSink

ERROR_BODY_MAX_BYTES: Final = 16_384
SHOWN_CHARS: Final = 200  # of a server's error text
DRAIN_S: Final = 0.25  # to read the end of a finished answer, so that its connection can be used again
KEPT_CONNECTIONS: Final = 4
KEPT_S: Final = 60.0
AVAILABLE_WITHIN_S: Final = 3.0
JSON: Final = "application/json"

NamedFile = tuple[str, bytes, str]
"""A file's name, its content and its media type."""


class GenerationCut(ProviderError):
    """The server broke off after its first words; ``partial`` is the text that was passed on."""

    def __init__(self, message: str, partial: str) -> None:
        super().__init__(message)
        self.partial = partial


class ModelServerRefused(ProviderError):
    """The server answered with an error ``status``; ``said`` is the explanation in its body."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


@attrs.frozen(kw_only=True)
class CompletionTimeouts:
    """How long to wait for one completion, in seconds."""

    connect_s: float = 3.0
    first_token_s: float = 10.0
    """A turn has 15 s: after 10 s of silence there is time left for the next provider."""
    total_s: float = 30.0


class CompletionReader(Protocol):
    """Parses one streamed completion of an API's dialect; sans-IO."""

    @property
    def is_done(self) -> bool:
        """Whether the server has said that the completion is whole."""

    def receive(self, data: bytes) -> list[str]:
        """Return the new pieces of text; raises ``BadStream`` or ``ProviderError``."""

    def close(self) -> list[str]:
        """Return what is left at the end of the stream; raises ``BadStream`` if the end is missing.

        Raises ``ProviderError`` if what the model asks for makes no sense.
        """

    @property
    def has_begun(self) -> bool:
        """Whether there was text or a tool call."""


class LlmServer:
    """One server; ``url`` is the base of the requests' paths. A bad URL is reported by the first request."""

    def __init__(self, url: str, *, api_key: str = "", patience: CompletionTimeouts | None = None) -> None:
        self.url = url.rstrip("/")
        self._key = api_key
        self._patience = patience or CompletionTimeouts()
        self._is_local = is_this_machine(url)
        self._client = httpx2.AsyncClient(
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx2.Timeout(self._patience.connect_s, read=None),  # reading is under the deadlines below
            limits=httpx2.Limits(
                max_keepalive_connections=0 if self._is_local else KEPT_CONNECTIONS, keepalive_expiry=KEPT_S
            ),
            trust_env=not self._is_local,
            verify=url.startswith("https:"),  # without https nothing is verified, and certificates load slowly
        )

    async def get(self, path: str) -> bytes:
        """Return the body of a small page; raises ``ProviderError``, ``ModelServerRefused`` for a status of failure."""
        return await self._answer(self._client.stream("GET", self.url + path))

    async def post(self, path: str, body: bytes, within_s: float = AVAILABLE_WITHIN_S) -> bytes:
        """Send JSON and return the body of an answer that is no stream; raises as ``get`` does."""
        sending = self._client.stream("POST", self.url + path, content=body, headers={"content-type": JSON})
        return await self._answer(sending, within_s)

    async def post_form(
        self,
        path: str,
        fields: Mapping[str, str],
        file: NamedFile,
        within_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a form with one file in its field ``file`` and return the body of the answer; raises as ``get`` does."""
        sending = self._client.stream("POST", self.url + path, data=fields, files={"file": file}, headers=headers)
        return await self._answer(sending, within_s)

    async def _answer(
        self, sending: AbstractAsyncContextManager[httpx2.Response], within_s: float = AVAILABLE_WITHIN_S
    ) -> bytes:
        with trio.move_on_after(within_s):
            try:
                async with sending as response:
                    await self._check(response)
                    return await response.aread()
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise ProviderError(self._explain(error)) from error
        raise ProviderError(f"{self.url} did not answer within {within_s:g} s")

    async def stream(self, path: str, body: bytes, answer: CompletionReader, text_sink: PartSink[str]) -> float | None:
        """Post ``body`` and pass text on as it comes; return the seconds until the first word or tool call.

        Raises ``ProviderError``: ``ModelServerRefused`` for an error status, ``GenerationCut`` after the first text.
        """
        stream = _Stream(self._patience, answer, text_sink)
        try:
            with stream.scope:
                await self._post(path, body, stream)
            stream.check_deadline()
            await stream.close()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise stream.failure(self._explain(error)) from error
        except BadStream as error:
            raise stream.failure(f"{self.url} sent what cannot be read: {error}") from error
        except ProviderError as error:
            if stream.passed_on:
                raise stream.failure(str(error)) from error
            raise
        return stream.first_token_s

    async def aclose(self) -> None:
        """Close connections that were kept."""
        await self._client.aclose()

    async def _post(self, path: str, body: bytes, stream: "_Stream") -> None:
        headers = {"content-type": JSON}
        async with self._client.stream("POST", self.url + path, content=body, headers=headers) as response:
            await self._check(response)
            chunks = response.aiter_bytes()
            try:
                async for chunk in chunks:
                    await stream.receive(chunk)
            except BaseException:
                await end_reading(chunks)
                raise

    async def _check(self, response: httpx2.Response) -> None:
        """Raise ``ModelServerRefused`` with an explanation, unless the status is a success."""
        status = response.status_code
        if response.is_success:
            return
        body = bytearray()
        chunks = response.aiter_bytes()
        async for chunk in chunks:
            body += chunk
            if len(body) >= ERROR_BODY_MAX_BYTES:
                await end_reading(chunks)
                break
        said = error_text_of(bytes(body))
        if self._key:
            said = said.replace(self._key, "***")
        raise ModelServerRefused(
            f"{self.url} {explanation_of(status)} ({status}): {said or 'it does not say why'}", status, said
        )

    def _explain(self, error: httpx2.HTTPError | httpx2.InvalidURL) -> str:
        match error:
            case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
                return f"a server's url must begin with http:// or https:// and a host, not {self.url!r}"
            case httpx2.ConnectTimeout():
                return f"no connection to {self.url} within {self._patience.connect_s:g} s"
            case httpx2.ConnectError():
                return f"nothing answers at {self.url}: is the server running? ({error})"
            case httpx2.PoolTimeout():
                return f"all connections to {self.url} are busy"
            case httpx2.RemoteProtocolError() | httpx2.ReadError() | httpx2.WriteError():
                return f"{self.url} broke the connection off: {str(error) or type(error).__name__}"
            case _:
                return f"{self.url} cannot be used: {str(error) or type(error).__name__}"


class _Stream:
    """One completion in progress: its deadlines and its text so far."""

    def __init__(self, patience: CompletionTimeouts, answer: CompletionReader, text_sink: PartSink[str]) -> None:
        self._patience = patience
        self._answer = answer
        self._text_sink = text_sink
        self._started_s = trio.current_time()
        self.scope = trio.CancelScope(deadline=self._started_s + patience.first_token_s)
        self.first_token_s: float | None = None
        self.passed_on: list[str] = []

    async def receive(self, chunk: bytes) -> None:
        """Take bytes, pass text on, and move the deadline: first word, whole answer, end of the connection."""
        await self._pass_on(self._answer.receive(chunk))

    async def close(self) -> None:
        """Take the end of the stream; raises ``BadStream`` if the answer is not whole."""
        await self._pass_on(self._answer.close())

    def check_deadline(self) -> None:
        """Raise ``ProviderError`` if a deadline ended the stream before the answer was whole."""
        if self.scope.cancelled_caught and not self._answer.is_done:
            if self.first_token_s is None:
                raise ProviderError(f"no word within {self._patience.first_token_s:g} s")
            raise ProviderError(f"the answer was not finished within {self._patience.total_s:g} s")

    def failure(self, message: str) -> ProviderError:
        """Return the error to raise: it keeps what was passed on."""
        return GenerationCut(message, "".join(self.passed_on)) if self.passed_on else ProviderError(message)

    async def _pass_on(self, texts: list[str]) -> None:
        if self.first_token_s is None and self._answer.has_begun:
            self.first_token_s = trio.current_time() - self._started_s
            self.scope.deadline = self._started_s + self._patience.total_s
        for text in texts:
            self.passed_on.append(text)
            await self._text_sink.send(text)
        if self._answer.is_done:
            self.scope.deadline = min(self.scope.deadline, trio.current_time() + DRAIN_S)


async def end_reading(chunks: AsyncIterator[bytes]) -> None:
    """End a stream in the middle: its next read is cancelled, which ends each of the generators that it is made of.

    Closing the outermost one would leave the others to the garbage collector, about which Trio warns.
    """
    with trio.CancelScope(shield=True) as scope:
        scope.cancel()
        async for _ in chunks:  # what had been received already
            pass


def explanation_of(status: int) -> str:
    """Return an explanation of an error status."""
    match status:
        case 401 | 403:
            return "refused our API key"
        case 404:
            return "knows no such model or path"
        case 408 | 429 | 503:
            return "is too busy"
        case _ if status >= 500:  # noqa: PLR2004 - RFC 9110, 15.6
            return "failed"
        case _:
            return "refused the request"


def error_text_of(body: bytes) -> str:
    """Return the explanation in an error's body: ``error.message``, ``error``, ``message``, or its beginning."""
    try:
        page = msgspec.json.decode(body)
    except JSON_FAULTS:
        page = body.decode(errors="replace")
    if isinstance(page, dict):
        found = page.get("error", page.get("message", page))
        page = found.get("message", found) if isinstance(found, dict) else found
    return " ".join((page if isinstance(page, str) else msgspec.json.encode(page).decode()).split())[:SHOWN_CHARS]


def is_this_machine(url: str) -> bool:
    """Return whether the URL's host is this machine, by name or by a loopback address."""
    try:
        host = httpx2.URL(url).host
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except (httpx2.InvalidURL, ValueError):
        return False
