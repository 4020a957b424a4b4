"""When a caller stops waiting."""

import time
from dataclasses import dataclass

from services.kernel.errors import DeadlineExceeded


@dataclass(frozen=True)
class Deadline:
    """An instant of the monotonic clock, in seconds; None: the caller waits as long as it takes."""

    at: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """Return the deadline in so many seconds."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    def seconds_left(self) -> float | None:
        """Return how long the caller still waits, 0 at least."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def require(self) -> None:
        """Raise DeadlineExceeded where it has passed: nobody reads the answer any more."""
        if self.at is not None and time.monotonic() >= self.at:
            raise DeadlineExceeded("The deadline passed.")


NEVER = Deadline()
