"""The client's errors; each message is a sentence for the user."""


class ClientError(Exception):
    """Base of all errors of this package."""


class BadAddress(ClientError, ValueError):
    """The address is not like ``ws://127.0.0.1:8000/ws``."""


class NoServer(ClientError):
    """No server answers at the address, or it is no WebSocket server."""


class ServerRefused(ClientError):
    """The server answers, but does not open a session.

    ``status`` is the HTTP status of its answer, None if the refusal came over an open WebSocket. ``retry_after_s`` is
    how long to wait before the next try, None if the server did not say.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class LineLost(ClientError):
    """The WebSocket is closed, by either side or by the network.

    ``code`` is the close code (RFC 6455 section 7.4), 1006 if no close frame came.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        told = (
            "the connection to the server was lost" if code == ABNORMAL else f"the server closed the connection: {code}"
        )
        super().__init__(f"{told} {reason}".rstrip())
        self.code = code
        self.reason = reason


class SessionClosed(LineLost):
    """The session has ended and is not opened again. After ``bye`` the code is 1000."""


class DeliveryUnknown(ClientError):
    """The connection was lost while a command was being sent; the server may have it or not. The session goes on."""


class BadFrame(ClientError):
    """The server sent a frame that is no event of the protocol."""


class TooManyEvents(ClientError):
    """Too many events wait, because none is received while audio is sent."""


ABNORMAL = 1006
"""Close code of a connection that ended without a close frame."""
