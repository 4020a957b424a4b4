"""The keys of the last seconds: a busy key costs one look-up in that time instead of one a request."""

import threading
import time
from collections.abc import Callable

from gateway.access.domain.key import Key
from gateway.access.domain.ports import KeyLookup

# A key that is revoked elsewhere must be refused here within 5 s, the time that a look-up takes included.
LIFETIME_SECONDS = 4.0
CAPACITY = 10_000


class KnownKeys:
    """
    A look-up in front of the store's, bounded in time and number.

    Keys that do not exist are not remembered: anyone can make those up, and would push the real ones out.
    """

    def __init__(
        self,
        lookup: KeyLookup,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        capacity: int = CAPACITY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._lifetime = lifetime_seconds
        self._capacity = capacity
        self._monotonic = monotonic
        self._writing = threading.Lock()
        # In the order of their entry, which is that of their end.
        self._entries: dict[str, tuple[float, Key]] = {}

    def find(self, public_id: str) -> Key | None:
        """
        Return the key of that public id as it was at most `lifetime_seconds` ago; None where there is none.

        Raises:
            Unavailable: it is not known any more and the store can't be asked.
        """
        # Taken before the look-up: what the store answers may be as old as the question.
        asked_at = self._monotonic()
        entry = self._entries.get(public_id)
        if entry is not None and asked_at < entry[0]:
            return entry[1]
        key = self._lookup.find(public_id)
        if key is None:
            self.forget(public_id)
        else:
            self._remember(public_id, asked_at + self._lifetime, key)
        return key

    def forget(self, public_id: str) -> None:
        """Ask the store for this key the next time."""
        with self._writing:
            self._entries.pop(public_id, None)

    def _remember(self, public_id: str, until: float, key: Key) -> None:
        with self._writing:
            self._entries.pop(public_id, None)
            self._entries[public_id] = (until, key)
            if len(self._entries) > self._capacity:
                del self._entries[next(iter(self._entries))]
