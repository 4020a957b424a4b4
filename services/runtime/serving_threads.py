"""The threads that serve calls."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

_Task = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]
_NO_MORE = None


class ServingThreads(Executor):
    """
    A few threads that run, and more for calls that wait for something else than a processor.

    Of Python only one thread runs at a time, and taking turns costs: three made a fifth more searches a
    second than 16. But a call that only waits must not hold one of so few: it steps aside, and another thread
    takes its place.
    """

    def __init__(self, running: int, waiting: int = 0) -> None:
        """At most `running` calls at once, and `waiting` more that stepped aside."""
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._places = threading.Semaphore(running)
        self._asides = threading.Semaphore(waiting)
        self._lock = threading.Lock()
        # Threads beyond `running`, as calls came back from waiting.
        self._surplus = 0
        # Calls taken and not ended, begun or not.
        self.calls = 0
        self._threads = [
            threading.Thread(target=self._serve, name=f"rpc-{number}", daemon=True)
            for number in range(running + waiting)
        ]
        for each in self._threads:
            each.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take a call. gRPC does so for each, also for one that its caller gives up before it begins."""
        future: Future[Any] = Future()
        with self._lock:
            self.calls += 1
        self._tasks.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads after the calls that were taken. The server has waited for these already."""
        for _ in self._threads:
            self._tasks.put(_NO_MORE)
            self._places.release()
        for each in self._threads if wait else ():
            each.join()

    @contextmanager
    def stepping_aside(self) -> Iterator[bool]:
        """Let another thread run while the present call waits. False: too many wait, this one must not."""
        if not self._asides.acquire(blocking=False):
            yield False
            return
        self._places.release()
        try:
            yield True
        finally:
            # It goes on at once; the next thread whose call ends rests instead.
            with self._lock:
                self._surplus += 1
            self._asides.release()

    def _serve(self) -> None:
        while True:
            self._places.acquire()
            rests = False
            while not rests:
                task = self._tasks.get()
                if task is _NO_MORE:
                    return
                rests = self._run(*task)

    def _run(
        self,
        future: Future[Any],
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> bool:
        """Run a call; return whether this thread is one too many afterwards."""
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        with self._lock:
            self.calls -= 1
            rests = self._surplus > 0
            self._surplus -= rests
        return rests
