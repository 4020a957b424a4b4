"""The claims that an indexer has in hand."""

import threading
from collections.abc import Iterable

from services.knowledge.domain.queue import Claim


class Hand:
    """What is kept alive until it is done or given back. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[Claim, None] = {}

    def take(self, claims: Iterable[Claim]) -> None:
        """Add claims."""
        with self._lock:
            self._claims |= dict.fromkeys(claims)

    def drop(self, claim: Claim) -> None:
        """Let go of a claim; one that is not there is no error."""
        with self._lock:
            self._claims.pop(claim, None)

    def empty(self) -> None:
        """Let go of all."""
        with self._lock:
            self._claims.clear()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All of them, the first one first."""
        with self._lock:
            return tuple(self._claims)
