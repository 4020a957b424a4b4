"""The operator's token: a file that only the owner of the installation can read."""

import os
import secrets
import tempfile
from pathlib import Path

# 256 random bits.
_BYTES = 32
_SHORTEST = 32


class OperatorTokenError(Exception):
    """The file does not hold a token that can be trusted; the text says why."""


def read_or_create(path: Path) -> str:
    """
    Return the token in a file; make both where the file is missing (mode 0600).

    Processes that start together agree: a file appears whole or not at all, and the first one stays.

    Raises:
        OperatorTokenError: the file is empty or its token too short to withstand guessing.
    """
    if not path.exists():
        _create(path)
    token = path.read_text("utf-8").strip()
    if len(token) < _SHORTEST:
        raise OperatorTokenError(f"{path} holds no token of at least {_SHORTEST} characters")
    return token


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made with mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(descriptor)
        # Unlike a rename, a link does not replace what another process made meanwhile.
        Path(path).hardlink_to(name)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
