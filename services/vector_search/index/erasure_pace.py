"""When what was deleted or replaced is taken out of a collection's files."""

from collections.abc import Callable

# For so long what was replaced may stay, from when the first of it was.
_REPLACED_SECONDS = 60.0
# Pauses in proportion to what erasing took the last time, after a deletion and otherwise.
_DELETED_PAUSE, _REPLACED_PAUSE = 2, 20


class ErasurePace:
    """
    Deletions at once, several that come together in one go; what was replaced later; neither all the time.

    A workspace that was edited before anybody looked may hold deletions: those are assumed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deleted = True
        self._replaced_at: float | None = None
        self._ended_at = -float("inf")
        self._seconds = 0.0

    def note(self, *, deleted: bool) -> None:
        """Note that something was deleted, or replaced."""
        self._deleted |= deleted
        if self._replaced_at is None:
            self._replaced_at = self._clock()

    def due(self) -> bool:
        """Return whether it is time, where there is something to erase."""
        now = self._clock()
        if self._deleted:
            return now >= self._ended_at + _DELETED_PAUSE * self._seconds
        waited = self._replaced_at is not None and now >= self._replaced_at + _REPLACED_SECONDS
        return waited and now >= self._ended_at + _REPLACED_PAUSE * self._seconds

    def begin(self) -> None:
        """Forget what was noted: from here on it counts for the next time."""
        self._deleted, self._replaced_at = False, None

    def failed(self) -> None:
        """Note that what was begun is to be tried again soon."""
        self._deleted = True

    def ended(self, seconds: float) -> None:
        """Note how long it took."""
        self._seconds = seconds
        self._ended_at = self._clock()
