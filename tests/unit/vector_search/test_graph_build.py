"""Building a graph aside."""

import os
import threading
from collections.abc import Callable

import numpy as np
import pytest

from services.vector_search.index.graph_build import GraphBuild
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.live_rows import LiveRows
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import RowTable
from tests.fakes.vector_search_data import DIMENSIONS, unit_rows


def nothing() -> None:
    """Do nothing meanwhile."""


def never() -> bool:
    """Go on."""
    return False


class Site:
    """A table of 400 rows, slots from 1, and a build over it."""

    def __init__(self) -> None:
        self.table = RowTable(DIMENSIONS)
        self.rows = LiveRows(lambda: self.table, threading.Lock(), ReadWriteLock())
        self.append(400)

    def append(self, count: int) -> None:
        """Add rows."""
        first = self.table.size + 1
        slots = np.arange(first, first + count, dtype=np.int64)
        self.table.append(slots, np.zeros(count, dtype=np.int32), unit_rows(first, count))

    def build(
        self,
        *,
        meanwhile: Callable[[], None] = nothing,
        stopped: Callable[[], bool] = never,
        yielding: bool = False,
        threads: int = 1,
    ) -> HnswIndex | None:
        """Build."""
        return GraphBuild(HnswParameters(8, 64), threads, yielding, stopped, meanwhile).run(self.rows, 16)


@pytest.fixture
def site() -> Site:
    """Return a table to build over."""
    return Site()


def slots_in(graph: HnswIndex | None, table: RowTable) -> set[int]:
    """Return all slots of a graph."""
    assert graph is not None
    found = graph.slots_near(table.vectors[:1], graph.size)
    assert found is not None
    return set(found[0].tolist())


@pytest.mark.parametrize("threads", [1, 2])
def test_it_takes_all_living_rows(site: Site, threads: int) -> None:
    """Once each, and none that is dead."""
    site.table.remove(np.array([1, 200, 400]))
    graph = site.build(threads=threads)
    assert slots_in(graph, site.table) == set(range(1, 401)) - {1, 200, 400}
    assert graph is not None
    assert (graph.size, graph.last_slot) == (397, 399)


def test_rows_that_come_meanwhile_are_taken_too(site: Site) -> None:
    """However many: more than one step of them is not left beside the graph."""
    batches = iter([500, 300])
    graph = site.build(meanwhile=lambda: site.append(next(batches, 0)))
    assert slots_in(graph, site.table) == set(range(1, 1201))


def test_rows_that_go_before_their_turn_are_not_taken(site: Site) -> None:
    """The graph does not begin its life with them."""
    graph = site.build(meanwhile=lambda: site.table.remove(np.array([350, 360])))
    assert slots_in(graph, site.table) == set(range(1, 401)) - {350, 360}


def test_another_table_in_its_place_is_followed(site: Site) -> None:
    """A table without the dead may take the place of the one that the build began with."""

    def compact() -> None:
        site.table.remove(np.array([2, 300]))
        site.table = site.table.compacted()

    graph = site.build(meanwhile=compact)
    assert slots_in(graph, site.table) == set(range(1, 401)) - {300}


def test_it_stops_between_two_steps(site: Site) -> None:
    """A collection that closes does not wait for the whole graph."""
    steps: list[int] = []
    graph = site.build(meanwhile=lambda: steps.append(1), stopped=lambda: len(steps) == 2)
    assert (graph, len(steps)) == (None, 2)


@pytest.mark.parametrize(("yielding", "niceness"), [(False, 0), (True, 10)])
def test_a_build_that_can_wait_yields_the_processor(site: Site, yielding: bool, niceness: int) -> None:
    """Its thread alone is put behind the others."""

    def priority(thread: threading.Thread) -> int:
        return os.getpriority(os.PRIO_PROCESS, thread.native_id or 0)

    own = priority(threading.current_thread())
    seen: list[int] = []

    def look() -> None:
        seen.extend(priority(each) for each in threading.enumerate() if each.name.startswith("graph-build"))

    site.build(meanwhile=look, yielding=yielding)
    assert set(seen) == {max(own, niceness)}
    assert priority(threading.current_thread()) == own
