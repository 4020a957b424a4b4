"""Our service as an engine: one replica, one or more processes, a search effort."""

import statistics
import threading
import time
from collections.abc import Callable

import numpy as np

from tests.bench import load, ours
from tests.bench.data import Data, Ids, nearest, recall
from tests.bench.engine import Speed, Tuned, least_effort
from tests.bench.feed import SHARES
from tests.bench.load import Bodies
from tests.bench.ours import HAS_PROCESSES, Ours
from tests.bench.peers.process import speed

_CALLERS = 16
_BATCH = 64
_WRITES_PER_SECOND = 300
_WRITES_AT_ONCE = 30


class Replica:
    """The service, started anew when effort or number of processes change."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._ours = Ours(data)
        self._present: tuple[int, int] | None = None
        self._dense = self._ours.questions()
        self._hybrid = self._ours.questions(text=True)
        self._batches: Bodies | None = None

    def build(self) -> float:
        """Take all points in; return the points per second until they were searchable."""
        rate = self._ours.fill()
        self._ours.await_settled()
        self._batches = self._batches_if_there()
        self._ours.stop()
        return rate

    def use(self, ef: int, processes: int = 1) -> None:
        """Have the service run like that."""
        if self._present != (ef, processes):
            self._ours.stop()
            self._ours.start(ef=ef, processes=processes)
            self._present = (ef, processes)
            self._run(self._dense, _CALLERS, 0.5)

    @property
    def processes(self) -> list[int]:
        """Which numbers of processes can be had."""
        return [1, 2] if HAS_PROCESSES else [1]

    def start_seconds(self, ef: int) -> float:
        """Return how long it takes from a start with snapshots to the first answer; median of three."""
        taken = []
        for _ in range(3):
            self._ours.stop()
            taken.append(self._ours.start(ef=ef))
        self._present = (ef, 1)
        return statistics.median(taken)

    def tune(self, target: float) -> Tuned:
        """Return the least effort that reaches a recall."""
        return least_effort(self._recall_at, target)

    def recall_in_batches(self) -> float | None:
        """Return the recall of batches; None where there are none."""
        if self._batches is None:
            return None
        found = ours.found_in_batches(load.answers(self._ours.target("BatchSearch"), self._batches))
        return recall(found, self._data.truth[: len(found)])

    def single(self, seconds: float) -> Speed:
        """One caller."""
        return self._run(self._dense, 1, seconds)

    def callers(self, seconds: float) -> Speed:
        """16 callers."""
        return self._run(self._dense, _CALLERS, seconds)

    def hybrid(self, seconds: float) -> Speed:
        """16 callers, by meaning and words."""
        return self._run(self._hybrid, _CALLERS, seconds)

    def batch(self, seconds: float) -> Speed | None:
        """Batches of 64 by four callers; questions per second."""
        if self._batches is None:
            return None
        seen = speed(
            load.run(self._ours.target("BatchSearch"), self._batches, connections=4, seconds=seconds)
        )
        return Speed(seen.qps * _BATCH, seen.p50_ms, seen.p99_ms, seen.cpu)

    def filtered(self, seconds: float) -> dict[str, tuple[float, Callable[[], Speed]]]:
        """Return, by a filter's label, the recall within it and how to measure its speed with 16 callers."""
        measures = {}
        for label in SHARES:
            bodies = self._ours.questions(tag=label)
            truth = nearest(self._data.vectors, self._data.questions, self._ours.feed.tagged(label))
            found = ours.found(load.answers(self._ours.target(), bodies))
            measure = self._measure(bodies, seconds)
            measures[label] = (recall(found, truth), measure)
        return measures

    def while_writing(self, seconds: float) -> tuple[Speed, Speed]:
        """Return the speed of 4 callers at rest, and with 300 points a second written."""
        rest = self._run(self._dense, 4, seconds)
        stop = threading.Event()
        writer = threading.Thread(target=self._write, args=(stop,))
        writer.start()
        try:
            return rest, self._run(self._dense, 4, seconds)
        finally:
            stop.set()
            writer.join()

    def replace_half(self) -> tuple[float, float]:
        """Give half of the points other vectors; return points per second and the recall afterwards."""
        changed = self._data.vectors.copy()
        changed[::2] = np.roll(self._data.vectors[::2], 1, axis=0) * np.float32(0.9)
        changed[::2] += self._data.vectors[1::2][: len(changed[::2])] * np.float32(0.3)
        changed /= np.linalg.norm(changed, axis=1, keepdims=True)
        points = np.arange(0, len(changed), 2)
        began = time.monotonic()
        for start in range(0, len(points), 100):
            part = points[start : start + 100]
            self._ours.write(part, changed[part])
        self._ours.await_level()
        rate = len(points) / (time.monotonic() - began)
        self._ours.await_settled()
        return rate, self._recall(nearest(changed, self._data.questions))

    @property
    def memory_bytes(self) -> int:
        """Of all its processes."""
        return self._ours.memory_bytes

    def close(self) -> None:
        """Stop it and delete its files."""
        self._ours.close()

    def _recall_at(self, ef: int) -> float:
        self.use(ef)
        return self._recall(self._data.truth)

    def _recall(self, truth: Ids) -> float:
        return recall(ours.found(load.answers(self._ours.target(), self._dense)), truth)

    def _run(self, bodies: Bodies, connections: int, seconds: float) -> Speed:
        return speed(load.run(self._ours.target(), bodies, connections=connections, seconds=seconds))

    def _measure(self, bodies: Bodies, seconds: float) -> Callable[[], Speed]:
        return lambda: self._run(bodies, _CALLERS, seconds)

    def _batches_if_there(self) -> Bodies | None:
        bodies = self._ours.batches(_BATCH)
        try:
            load.answers(self._ours.target("BatchSearch"), bodies)
        except RuntimeError:
            return None
        return bodies

    def _write(self, stop: threading.Event) -> None:
        random = np.random.default_rng(5)
        while not stop.wait(_WRITES_AT_ONCE / _WRITES_PER_SECOND):
            # The same vectors again: what is true stays true.
            points = np.sort(random.choice(self._data.size, _WRITES_AT_ONCE, replace=False))
            self._ours.write(points, self._data.vectors[points])
