"""Prefixed ids: `doc_`, `conv_`, `msg_`, `op_`, `key_`, `ws_` and so on."""

import base64
import secrets
import time
from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)

_MILLISECONDS_BYTES = 6
_RANDOM_BYTES = 16


def new_id(prefix: str) -> str:
    """
    Return `prefix_` and 36 lower-case base32 characters.

    48 bits are the time in milliseconds, so that ids of one kind sort by age and new rows land at the end of
    an index; 128 bits are random, so that knowing one id helps nobody to guess another.
    """
    milliseconds = int(time.time() * 1000).to_bytes(_MILLISECONDS_BYTES, "big")
    raw = milliseconds + secrets.token_bytes(_RANDOM_BYTES)
    return f"{prefix}_{base64.b32hexencode(raw).decode().rstrip('=').lower()}"
