"""Waiting for work no longer than agreed."""

from collections.abc import Generator
from contextvars import ContextVar
from threading import Event

import pytest

from services.query.domain.generation.chat import ChatFailed
from services.query.llm.waiting import Patience, Waiting

_VALUE: ContextVar[str] = ContextVar("value", default="")


def test_too_much_hangs() -> None:
    """Beyond its bound it takes no more work, and takes some again when a piece of it is over."""
    go_on = Event()

    def hang(_: Patience) -> Generator[str, None, None]:
        go_on.wait()
        yield "late"

    def short(_: Patience) -> Generator[str, None, None]:
        yield "soon"

    waiting = Waiting(1)
    with pytest.raises(ChatFailed, match="TIMEOUT"):
        list(waiting.run(hang, 0.05))
    with pytest.raises(ChatFailed, match="BUSY"):
        list(waiting.run(short, 5.0))
    go_on.set()
    while True:
        try:
            assert list(waiting.run(short, 5.0)) == ["soon"]
            break
        except ChatFailed:
            continue


def test_no_time_at_all() -> None:
    """Where nobody waits, nothing is told."""

    def soon(_: Patience) -> Generator[str, None, None]:
        yield "soon"

    with pytest.raises(ChatFailed, match="TIMEOUT"):
        list(Waiting(1).run(soon, -1.0))


def test_the_work_knows_its_call() -> None:
    """The work runs in the context of whoever waits, so that its log lines have the request's id."""

    def value(_: Patience) -> Generator[str, None, None]:
        yield _VALUE.get()

    _VALUE.set("req_1")
    assert list(Waiting(1).run(value, 5.0)) == ["req_1"]


def test_errors_come_through() -> None:
    """What the work raises is raised to whoever waits, after what it yielded."""

    def broken(_: Patience) -> Generator[str, None, None]:
        yield "one"
        raise KeyError("two")

    items = Waiting(1).run(broken, 5.0)
    assert next(items) == "one"
    with pytest.raises(KeyError):
        next(items)
