"""Refused requests: gathered here, written into the audit elsewhere, away from the request's path."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.access.domain.audit import AuditEntry

# So long after its first one a burst of refusals becomes an entry, and so long none of the same kind follows.
GATHERING = timedelta(seconds=2)
RESOLUTION = timedelta(minutes=1)
CAPACITY = 10_000


@dataclass(frozen=True)
class _Kind:
    workspace_id: str
    key_id: str
    reason: str


@dataclass(frozen=True)
class _Some:
    first: datetime
    count: int

    def __add__(self, other: "_Some") -> "_Some":
        return _Some(min(self.first, other.first), self.count + other.count)


class Refusals:
    """
    Counts refused requests by workspace, key and reason; safe to use from many threads.

    Of a key that is not known only the reason is counted: made-up ids can't fill the audit.
    """

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._pending: dict[_Kind, _Some] = {}
        self._told: dict[_Kind, datetime] = {}

    def record(self, workspace_id: str, key_id: str, reason: str, at: datetime) -> None:
        """Count a refused request; `workspace_id` and `key_id` of a known key, else empty."""
        with self._lock:
            self._count(_Kind(workspace_id, key_id, reason), _Some(at, 1))

    def take(self, now: datetime, *, all_of_them: bool = False) -> list[AuditEntry]:
        """
        Return what was counted, as entries, and hold it no longer.

        The first refusals of their kind come two seconds after they began, more of them in one entry a minute
        later, unless `all_of_them` are asked for.
        """
        with self._lock:
            self._told = {kind: at for kind, at in self._told.items() if now - at < RESOLUTION}
            due = {
                kind: some
                for kind, some in self._pending.items()
                if all_of_them or (kind not in self._told and now - some.first >= GATHERING)
            }
            for kind in due:
                del self._pending[kind]
                self._told[kind] = now
        return [
            AuditEntry.of_refusals(some.first, kind.workspace_id, kind.key_id, kind.reason, some.count)
            for kind, some in due.items()
        ]

    def give_back(self, entries: list[AuditEntry]) -> None:
        """Hold what could not be written down again."""
        with self._lock:
            for entry in entries:
                kind = _Kind(entry.workspace_id, entry.key_id, entry.reason)
                self._told.pop(kind, None)
                self._count(kind, _Some(entry.at, entry.count))

    def _count(self, kind: _Kind, some: _Some) -> None:
        if kind not in self._pending and len(self._pending) >= self._capacity:
            kind = _Kind("", "", kind.reason)
        self._pending[kind] = self._pending[kind] + some if kind in self._pending else some
