"""The call that this thread is serving: who made it and how much time is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from services.kernel.caller import Caller


@dataclass(frozen=True)
class Call:
    """The caller and the end of its patience, in seconds of the monotonic clock; None: no end."""

    caller: Caller
    deadline: float | None = None


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current() -> Call | None:
    """Return the call that this thread serves, None outside of one."""
    return _current.get()


def seconds_left() -> float | None:
    """Return how long the present caller will wait, None for as long as it takes."""
    call = _current.get()
    return None if call is None or call.deadline is None else call.deadline - time.monotonic()


@contextmanager
def serving(call: Call) -> Iterator[None]:
    """Make `call` the current one."""
    token = _current.set(call)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acting_as(caller: Caller, timeout: float | None = None) -> Iterator[None]:
    """Call other services in the name of `caller` from work that no request waits for."""
    with serving(Call(caller, None if timeout is None else time.monotonic() + timeout)):
        yield
