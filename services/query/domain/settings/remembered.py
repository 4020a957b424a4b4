"""What was read of a workspace a moment ago, so that a question does not have to wait for it."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId

CAPACITY = 10_000

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """
    A value per workspace, as it was at most `seconds` ago.

    While it can't be read, the last one known goes on being used: a question is better answered by the
    settings of a minute ago than not at all. Safe to share between threads.
    """

    def __init__(
        self,
        read: Callable[[WorkspaceId], Value],
        seconds: float,
        *,
        capacity: int = CAPACITY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._capacity = capacity
        self._monotonic = monotonic
        self._writing = threading.Lock()
        # In the order of their entry, which is that of their end.
        self._entries: dict[WorkspaceId, tuple[float, Value]] = {}

    def of(self, workspace_id: WorkspaceId) -> Value:
        """
        Return the value.

        Raises:
            Unavailable: it is not known and can't be read.
        """
        # Taken before it is read: what is read may be as old as this.
        asked_at = self._monotonic()
        entry = self._entries.get(workspace_id)
        if entry is not None and asked_at < entry[0]:
            return entry[1]
        try:
            value = self._read(workspace_id)
        except Unavailable:
            if entry is None:
                raise
            # Not asked again at once: each try may take seconds.
            asked_at, value = self._monotonic(), entry[1]
        self._remember(workspace_id, asked_at + self._seconds, value)
        return value

    def _remember(self, workspace_id: WorkspaceId, until: float, value: Value) -> None:
        with self._writing:
            self._entries.pop(workspace_id, None)
            self._entries[workspace_id] = (until, value)
            if len(self._entries) > self._capacity:
                del self._entries[next(iter(self._entries))]
