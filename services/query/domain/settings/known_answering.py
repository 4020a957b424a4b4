"""Settings that cost a question no look-up."""

import time
from collections.abc import Callable

from services.kernel.ids import WorkspaceId
from services.query.domain.settings.answering import Answering, AnsweringSettings
from services.query.domain.settings.remembered import Remembered

# A change is to be seen by every process within this time.
LIFETIME_SECONDS = 2.0


class KnownAnswering:
    """`AnsweringSettings` in front of stored ones: what they were at most two seconds ago."""

    def __init__(self, stored: AnsweringSettings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._known = Remembered(stored.get, LIFETIME_SECONDS, monotonic=monotonic)

    def get(self, workspace_id: WorkspaceId) -> Answering:
        """Return a workspace's settings; while they can't be read, the last ones known."""
        return self._known.of(workspace_id)
