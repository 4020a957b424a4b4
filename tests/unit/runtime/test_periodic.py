"""Work that is done again and again."""

import threading

from structlog.testing import capture_logs

from services.kernel.errors import Unavailable
from services.runtime.periodic import Periodic


class _Work:
    """Does what the list says, one entry a time, and then nothing; `done` is set at its end."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.done = threading.Event()

    def __call__(self) -> None:
        if not self._errors:
            self.done.set()
            return
        error = self._errors.pop(0)
        if error is not None:
            raise error


def test_failures_do_not_end_it() -> None:
    """A time that fails is followed by the next one; what nobody foresaw is logged, what is away is not."""
    work = _Work(None, Unavailable("away"), ValueError("odd"))
    with capture_logs() as logs:
        periodic = Periodic("the work", 0.001, work)
        periodic.start()
        assert work.done.wait(10)
        periodic.stop()
    failed = [each for each in logs if each["log_level"] == "error"]
    assert [(each["event"], each["work"]) for each in failed] == [("periodic_work_failed", "the work")]


def test_the_end() -> None:
    """Once stopped, nothing is done any more; work at hand comes to its end first."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    periodic = Periodic("the work", 0.001, work)
    periodic.start()
    assert begun.wait(10)
    stopping = threading.Thread(target=periodic.stop)
    stopping.start()
    go_on.set()
    stopping.join(10)
    assert ended.is_set()
    begun.clear()
    assert not begun.wait(0.05)
