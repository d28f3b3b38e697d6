"""Seals the record of a session with a key that only its client has: the shared store cannot read it.

Rules kept here:

* The key is made of the resume token (HKDF with SHA-256, RFC 5869), which the store never sees: it knows a digest.
* A record is compressed, then sealed with AES-256-GCM and a new nonce; a changed record is refused.
"""

import secrets
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES: Final = 12  # NIST SP 800-38D, section 8.2
PURPOSE: Final = b"sayso session record 1"
RECORD_MAX_BYTES: Final = 4 << 20  # of a record: 256 events of an answer are some 100 kB


class BadSeal(Exception):
    """A record that was not sealed with this token, or that was changed."""


def seal(token: str, record: bytes) -> bytes:
    """Return ``record`` so that only the holder of ``token`` can read it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_key(token)).encrypt(nonce, zlib.compress(record, 1), PURPOSE)


def unseal(token: str, sealed: bytes) -> bytes:
    """Return the record that ``seal`` was given; raises ``BadSeal``."""
    try:
        packed = AESGCM(_key(token)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], PURPOSE)
    except (InvalidTag, ValueError) as error:
        raise BadSeal("the record of a session was not sealed with its token") from error
    return zlib.decompressobj().decompress(packed, RECORD_MAX_BYTES)


def _key(token: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(token.encode())
