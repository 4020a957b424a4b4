"""Building a graph aside, while something else serves."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.live_rows import LiveRows

# Points between two looks at whether to stop.
_STEP = 128
# How far behind others the system puts a building that can wait (a process's usual "nice").
_NICENESS = 10


@dataclass(frozen=True)
class GraphBuild:
    """
    Makes a graph of all living rows, of those too that come while it is being built.

    Nobody searches it yet, so that it holds no lock and may use several threads.
    """

    parameters: HnswParameters
    threads: int
    # Whether others need the processor more.
    yielding: bool
    stopped: Callable[[], bool]
    # Called between steps.
    meanwhile: Callable[[], None]

    def run(self, rows: LiveRows, spare: int) -> HnswIndex | None:
        """Return the graph, with room for `spare` more points; None where it was stopped."""
        graph = HnswIndex(rows.dimensions, self.parameters, rows.count + spare)
        with ThreadPoolExecutor(1, "graph-build", self._begin_thread) as pool:
            while not self.stopped():
                slots, vectors = rows.after(graph.last_slot, _STEP)
                pool.submit(graph.add, slots, vectors, self.threads).result()
                if len(slots) < _STEP:
                    return graph
                self.meanwhile()
        return None

    def _begin_thread(self) -> None:
        if self.yielding:
            # Here a thread has a priority of its own, and hands it on to those that it starts.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
