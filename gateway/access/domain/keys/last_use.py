"""When keys were last used: gathered here, written down elsewhere, away from the request's path."""

import threading
from datetime import datetime, timedelta

RESOLUTION = timedelta(minutes=1)


class LastUse:
    """Gathers at most one use a minute of each key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[str, datetime] = {}
        self._pending: dict[str, datetime] = {}

    def record(self, key_id: str, now: datetime) -> None:
        """Note a use, unless one of the last minute is noted."""
        noted = self._noted.get(key_id)
        if noted is not None and now - noted < RESOLUTION:
            return
        with self._lock:
            self._noted[key_id] = self._pending[key_id] = now

    def take(self, now: datetime) -> dict[str, datetime]:
        """Return the uses that were noted since the last call, by key id, and hold them no longer."""
        with self._lock:
            pending, self._pending = self._pending, {}
            self._noted = {each: at for each, at in self._noted.items() if now - at < RESOLUTION}
        return pending

    def give_back(self, uses: dict[str, datetime]) -> None:
        """Hold uses again that could not be written down; newer ones win."""
        with self._lock:
            self._pending = uses | self._pending
