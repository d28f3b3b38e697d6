"""The secret that signs tokens, in a file of the data folder."""

import os
from pathlib import Path
from typing import Final

from backends.keys.key_file import KeyFileError
from backends.private_files import make_private_folder, open_private
from protocol.admission.tokens import SECRET_BYTES

FILE_NAME: Final = "tokens.secret"


def token_secret(data_dir: Path, new: bytes) -> bytes:
    """Return the secret, which is ``new`` if there was none; blocks, raises ``KeyFileError``.

    The file is 0600. Deleting it makes every token invalid at the next start.
    """
    path = data_dir / FILE_NAME
    try:
        make_private_folder(data_dir)
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}.tmp")
            with os.fdopen(open_private(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        secret = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror or error}") from error
    if len(secret) != SECRET_BYTES:
        raise KeyFileError(f"{path} must have {SECRET_BYTES} bytes, not {len(secret)}: delete it, and all tokens end")
    return secret
