"""Secrets as they lie in the database: encrypted, and bound to their place."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.kernel.ids import WorkspaceId

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = "1."


class UnfitKey(ValueError):
    """A text is no key; the error holds none of it."""


class Unreadable(Exception):
    """What was sealed can't be opened: another key, another place, or damage."""


class Seal:
    """
    Encrypts with AES-256-GCM (NIST SP 800-38D), nonces of 96 random bits.

    Workspace and name are authenticated with each secret: a row that is copied to another workspace, or under
    another name, does not open.
    """

    def __init__(self, keys: str) -> None:
        """
        Take keys separated by commas: the first one seals, each of them opens.

        A key is 32 bytes in base64, of either alphabet, padded or not. Raises UnfitKey.
        """
        self._ciphers = [AESGCM(_key(each.strip())) for each in keys.split(",")]

    def closed(self, workspace_id: WorkspaceId, name: str, secret: str) -> str:
        """Return the sealed text of a secret; never the same twice."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, secret.encode(), _place(workspace_id, name))
        return _FORM + base64.b64encode(nonce + sealed).decode()

    def opened(self, workspace_id: WorkspaceId, name: str, sealed: str) -> str:
        """Return the secret; raise Unreadable."""
        try:
            raw = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
        except ValueError:
            raise Unreadable(name) from None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(
                    raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(workspace_id, name)
                ).decode()
            except (InvalidTag, ValueError):
                continue
        raise Unreadable(name)


def _place(workspace_id: WorkspaceId, name: str) -> bytes:
    # Neither holds a NUL.
    return f"{workspace_id}\0{name}".encode()


def _key(text: str) -> bytes:
    bare = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise UnfitKey("is no base64") from None
    if len(key) != _KEY_BYTES:
        raise UnfitKey(f"has {len(key)} bytes instead of {_KEY_BYTES}")
    return key
