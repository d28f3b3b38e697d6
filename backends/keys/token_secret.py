"""The secret that signs tokens, in a file of the data folder."""

import errno
import os
from pathlib import Path
from typing import Final

from backends.keys.file_lock import take_lock
from backends.keys.key_file import KeyFileError
from backends.private_files import make_private_folder, open_private
from protocol.admission.tokens import SECRET_BYTES

FILE_NAME: Final = "tokens.secret"
READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def token_secret(data_dir: Path, new: bytes) -> bytes:
    """Return the secret, which is ``new`` if there was none; blocks, raises ``KeyFileError``.

    The file is 0600. Deleting it makes every token invalid at the next start. Whoever comes first makes it, of several
    servers on one data folder too: all of them return the same secret. A file that may only be read, as orchestrators
    mount secrets, is used as it is.
    """
    path = data_dir / FILE_NAME
    try:
        secret = _kept(path, new)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror or error}") from error
    if len(secret) != SECRET_BYTES:
        raise KeyFileError(f"{path} must have {SECRET_BYTES} bytes, not {len(secret)}: delete it, and all tokens end")
    return secret


def _kept(path: Path, new: bytes) -> bytes:
    make_private_folder(path.parent)
    try:
        descriptor = open_private(path, os.O_RDWR)
    except OSError as error:
        if error.errno in READ_ONLY and path.is_file():
            return path.read_bytes()
        raise
    try:
        take_lock(descriptor, path)
        secret = os.pread(descriptor, SECRET_BYTES + 1, 0)
        if not secret:
            os.pwrite(descriptor, new, 0)
            os.fsync(descriptor)
            secret = new
    finally:
        os.close(descriptor)
    return secret
