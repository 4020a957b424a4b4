"""Our service as an engine: one installation, so many processes, an effort."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tests.bench import load, ours
from tests.bench.data import Data, Ids, nearest, recall
from tests.bench.engine import Recalls, Speed, Tuned
from tests.bench.feed import SHARES
from tests.bench.load import Bodies
from tests.bench.ours import Memory, Ours
from tests.bench.peers.process import speed

CALLERS = 16
_BATCH = 64
_BATCH_CALLERS = 4
_WRITES_PER_SECOND = 300
_WRITES_AT_ONCE = 30
_WARM_SECONDS = 0.5


@dataclass(frozen=True)
class Built:
    """How fast points came in, per second: until all could be found, until the graph had all."""

    searchable: float
    merged: float


class Replica:
    """An installation that is started anew when its effort changes."""

    def __init__(self, data: Data, installation: Ours, processes: int = 1) -> None:
        self.processes = processes
        self.name = f"ours {processes}p"
        self._data = data
        self._ours = installation
        # The effort that it was settled with.
        self._present: int | None = None
        self.dense = installation.questions()
        self._hybrid = installation.questions(text=True)
        self._batches = installation.batches(_BATCH)

    def build(self) -> Built:
        """Take all points in."""
        self._ours.start()
        began = time.monotonic()
        rate = self._ours.fill()
        built = Built(rate, self._data.size / (self._ours.await_settled() - began))
        self.stop()
        return built

    def twin(self, name: str, processes: int) -> "Replica":
        """Return another one on the same feed, with a copy of this one's files for each process."""
        self.stop()
        return Replica(self._data, self._ours.twin(name, processes), processes)

    def use(self, ef: int) -> None:
        """Have the service run with an effort, warm and with nothing to do."""
        if self._present != ef:
            self._start(ef)
            self.settle()
            self._present = ef

    def settle(self) -> None:
        """Warm it, and wait until it has nothing to do."""
        self._run(self.dense, CALLERS, _WARM_SECONDS)
        self._ours.await_idle()

    def stop(self) -> None:
        """Stop the service; its files stay."""
        self._ours.stop()
        self._present = None

    def starts(self, ef: int, times: int = 3) -> list[tuple[float, float]]:
        """Start from snapshots; return the seconds until health said so and until the first answer."""
        taken = []
        for _ in range(times):
            answered = self._start(ef)
            taken.append((self._ours.serving_seconds, answered))
        return taken

    def chosen(self, target: float) -> tuple[Tuned, float]:
        """Return the effort that it chooses for a target with the recall that it tells, and the true one."""
        self.stop()
        self._ours.start(target_recall=target)
        self._ours.await_settled()
        status = self._ours.status()
        true = self.recall()
        self.stop()
        return Tuned(status.ef, status.recall), true

    def recalls(self) -> Recalls:
        """Return what its efforts reach."""

        def at(ef: int) -> float:
            self._start(ef)
            return self.recall()

        return Recalls(at)

    def recall(self, truth: Ids | None = None) -> float:
        """Return the share of the truth that it finds; of the data set's by default."""
        answers = load.answers(self._ours.target(), self.dense, connections=CALLERS)
        return recall(ours.found(answers), self._data.truth if truth is None else truth)

    def recall_in_batches(self) -> float:
        """Return the recall of batches."""
        found = ours.found_in_batches(load.answers(self._ours.target("BatchSearch"), self._batches))
        return recall(found, self._data.truth[: len(found)])

    def an_answer(self) -> bytes:
        """Return the message that answers the first question."""
        return load.answers(self._ours.target(), self.dense)[0]

    def single(self, seconds: float) -> Speed:
        """One caller."""
        return self._run(self.dense, 1, seconds)

    def callers(self, seconds: float) -> Speed:
        """16 callers."""
        return self._run(self.dense, CALLERS, seconds)

    def hybrid(self, seconds: float) -> Speed:
        """16 callers, by meaning and words."""
        return self._run(self._hybrid, CALLERS, seconds)

    def batch(self, seconds: float) -> Speed:
        """Batches of 64 by four callers; questions per second, and how long a batch took."""
        target = self._ours.target("BatchSearch")
        seen = speed(load.run(target, self._batches, connections=_BATCH_CALLERS, seconds=seconds))
        return Speed(seen.qps * _BATCH, seen.p50_ms, seen.p99_ms, seen.cpu)

    def filters(self) -> dict[str, Bodies]:
        """Return the questions within each filter, by its label."""
        return {label: self._ours.questions(tag=label) for label in SHARES}

    def recalls_within(self, filters: Mapping[str, Bodies]) -> dict[str, float]:
        """Return the recall within each filter."""
        found = {}
        for label, bodies in filters.items():
            truth = nearest(self._data.vectors, self._data.questions, self._ours.feed.tagged(label))
            answers = load.answers(self._ours.target(), bodies)
            found[label] = recall(ours.found(answers), truth)
        return found

    def within(self, bodies: Bodies, seconds: float) -> Speed:
        """16 callers, within a filter."""
        return self._run(bodies, CALLERS, seconds)

    def while_writing(self, seconds: float) -> tuple[Speed, Speed]:
        """Return the speed of 4 callers at rest, and with 300 points a second written."""
        self._ours.await_idle()
        rest = self._run(self.dense, 4, seconds)
        stop = threading.Event()
        writer = threading.Thread(target=self._write, args=(stop,))
        writer.start()
        try:
            return rest, self._run(self.dense, 4, seconds)
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
        self._ours.await_level()
        began = time.monotonic()
        for start in range(0, len(points), 100):
            part = points[start : start + 100]
            self._ours.write(part, changed[part])
        self._ours.await_level()
        rate = len(points) / (time.monotonic() - began)
        self._ours.await_settled()
        return rate, self.recall(nearest(changed, self._data.questions))

    @property
    def memory(self) -> Memory:
        """Of all its processes."""
        return self._ours.memory

    def close(self) -> None:
        """Stop it and delete its files."""
        self._ours.close()

    def _start(self, ef: int) -> float:
        self.stop()
        return self._ours.start(ef=ef, processes=self.processes)

    def _run(self, bodies: Bodies, connections: int, seconds: float) -> Speed:
        return speed(load.run(self._ours.target(), bodies, connections=connections, seconds=seconds))

    def _write(self, stop: threading.Event) -> None:
        random = np.random.default_rng(5)
        pause = _WRITES_AT_ONCE / _WRITES_PER_SECOND
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            # The same vectors again: what is true stays true.
            points = np.sort(random.choice(self._data.size, _WRITES_AT_ONCE, replace=False))
            self._ours.write(points, self._data.vectors[points])
            due += pause
