"""The check's look-up of keys, in memory."""

from dataclasses import replace

from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.known_key import KnownKey
from services.kernel.errors import Unavailable


class FakeKeyLookup:
    """Implements `KeyLookup`; can be taken down, and counts what it is asked."""

    def __init__(self) -> None:
        self._known: dict[str, KnownKey] = {}
        self.look_ups = 0
        self.down = False

    def add(self, known: KnownKey) -> None:
        """Keep a key, or what has become of it."""
        self._known[known.key.public_id] = known

    def change(self, key: Key) -> None:
        """Keep what has become of a key; its workspace stays as it is."""
        self._known[key.public_id] = replace(self._known[key.public_id], key=key)

    def find(self, public_id: str) -> KnownKey | None:
        """Return the key of that public id."""
        self.look_ups += 1
        if self.down:
            raise Unavailable("The database does not answer.")
        return self._known.get(public_id)
