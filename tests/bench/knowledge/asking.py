"""Questions at a steady pace, whether or not those before have been answered (an open loop)."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import httpx

PER_SECOND = 10
# A question that finds none free waits, and its wait counts.
_THREADS = 32


@dataclass(frozen=True)
class Answer:
    """
    An answer, in seconds of one clock.

    `due` is when the question was to be asked: what it had to wait for before is part of its latency.
    """

    question: int
    due: float
    begun: float
    ended: float
    status: int
    body: bytes

    @property
    def milliseconds(self) -> float:
        """From when the question was due."""
        return (self.ended - self.due) * 1e3


@dataclass(frozen=True)
class Latency:
    """What answers took; `failed` of them were no good."""

    answers: int
    failed: int
    p50_ms: float
    p99_ms: float
    longest_gap_ms: float

    @classmethod
    def of(cls, *runs: Sequence[Answer]) -> "Latency":
        """Sum the answers of one or more times up; the gap is the longest in which no good answer came."""
        good = [sorted(each.ended for each in run if each.status == 200) for run in runs]
        taken = sorted(each.milliseconds for run in runs for each in run)
        gaps = [later - earlier for run in good for earlier, later in pairwise(run)]
        return cls(
            answers=len(taken),
            failed=len(taken) - sum(len(run) for run in good),
            p50_ms=statistics.median(taken),
            p99_ms=taken[min(len(taken) - 1, int(len(taken) * 0.99))],
            longest_gap_ms=max(gaps, default=0.0) * 1e3,
        )


class Asking:
    """Asks one question after the other, over and over, from `begin` until `end`."""

    def __init__(self, ask: Callable[[int], tuple[int, bytes]], per_second: float = PER_SECOND) -> None:
        """`ask` asks the question of a number and returns the status and the body of its answer."""
        self._ask = ask
        self._pause = 1 / per_second
        self._answers: list[Answer] = []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_THREADS)
        self._pacer = threading.Thread(target=self._pace, daemon=True)

    def begin(self) -> None:
        """Begin."""
        self._pacer.start()

    def end(self) -> list[Answer]:
        """Ask no more, wait for the last answers and return all."""
        self._stop.set()
        self._pacer.join()
        self._pool.shutdown()
        return sorted(self._answers, key=lambda each: each.begun)

    def _pace(self) -> None:
        began, number = time.perf_counter(), 0
        while not self._stop.wait(max(0.0, began + number * self._pause - time.perf_counter())):
            self._pool.submit(self._one, number, began + number * self._pause)
            number += 1

    def _one(self, question: int, due: float) -> None:
        begun = time.perf_counter()
        try:
            status, body = self._ask(question)
        except httpx.TransportError as error:
            status, body = 0, repr(error).encode()
        self._answers.append(Answer(question, due, begun, time.perf_counter(), status, body))


@contextmanager
def asked(ask: Callable[[int], tuple[int, bytes]]) -> Iterator[list[Answer]]:
    """Ask while something is done; the answers are there at the end."""
    found: list[Answer] = []
    asking = Asking(ask)
    asking.begin()
    try:
        yield found
    finally:
        found += asking.end()


def searches(
    http: httpx.Client, questions: Sequence[str], **more: object
) -> Callable[[int], tuple[int, bytes]]:
    """Return what searches with one question after the other."""

    def ask(number: int) -> tuple[int, bytes]:
        body = {"message": questions[number % len(questions)], **more}
        answer = http.post("/v1/search", json=body)
        return answer.status_code, answer.content

    return ask
