"""JSON that no server should send: cut off, no UTF-8, nested too deeply."""

from typing import Final

DEEP_JSON: Final = b'{"a": ' + b"[" * 100_000
UNREADABLE_JSON: Final = (b'{"a": ', b'{"a": "\xff"}', DEEP_JSON)
