"""What a call is charged as."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from services.kernel.caller import Caller
from services.kernel.clock import Clock
from services.query.domain.usage import QuestionCounter


class Metering:
    """Accounts for every question that the gateway let through: it is answered, or it has failed."""

    def __init__(self, counter: QuestionCounter, clock: Clock) -> None:
        self._counter = counter
        self._clock = clock

    @contextmanager
    def question(self, caller: Caller) -> Iterator["Metered"]:
        """Begin a question; left without `answered`, it is not charged."""
        metered = Metered(self._counter, caller, self._clock.now())
        try:
            yield metered
        finally:
            metered.end()


class Metered:
    """One question."""

    def __init__(self, counter: QuestionCounter, caller: Caller, asked_at: datetime) -> None:
        self._counter = counter
        self._caller = caller
        self._asked_at = asked_at
        self._told = self._accounted = False

    def told(self) -> None:
        """Some of the answer is out: a caller that leaves now has been answered."""
        self._told = True

    def answered(self) -> None:
        """Charge it; to be called before the end of the answer is told."""
        self._account(self._counter.answered)

    def failed(self) -> None:
        """Account for it as not answered."""
        self._account(self._counter.failed)

    def end(self) -> None:
        """Account for it, unless that was done."""
        self._account(self._counter.answered if self._told else self._counter.failed)

    def _account(self, count: Callable[[Caller, datetime], None]) -> None:
        if not self._accounted:
            self._accounted = True
            count(self._caller, self._asked_at)
