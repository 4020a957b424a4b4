"""When there is a graph, and what is in it."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.graph import Effort
from services.vector_search.index.calibration import choose_effort
from services.vector_search.index.dense import Allowed
from services.vector_search.index.graph_keeper import GraphKeeper
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.index.rows import RowTable
from tests.fakes.graph_cache import FakeGraphCache
from tests.fakes.vector_search_data import DIMENSIONS, SMALL, a_question, unit_rows


class Bench:
    """A keeper with a table of its own. SMALL: a graph from 40 rows, a buffer of 8."""

    def __init__(self, folder: Path) -> None:
        self.cache = FakeGraphCache(folder)
        self.table = RowTable(DIMENSIONS)
        self.keeper = GraphKeeper(self.cache, SMALL)
        # Rows that come one by one during maintenance.
        self.coming = 0

    def append(self, count: int) -> None:
        """Add random rows."""
        first = int(self.table.slots[-1]) + 1 if self.table.size else 1
        slots = np.arange(first, first + count, dtype=np.int64)
        self.table.append(slots, np.zeros(count, dtype=np.int32), unit_rows(first, count))

    def remove(self, count: int) -> None:
        """Mark the first living rows dead."""
        self.table.remove(self.table.slots[np.flatnonzero(self.table.alive)[:count]])

    def maintain(self) -> None:
        """Do what a maintenance round does."""
        self.keeper.maintain(self._present, threading.Lock(), ReadWriteLock())

    def graph_size(self) -> int:
        """Return the number of points in the graph, −1 where there is none."""
        return self.keeper.serving.size if isinstance(self.keeper.serving, HnswIndex) else -1

    def _present(self) -> RowTable:
        if self.coming:
            self.coming -= 1
            self.append(1)
        return self.table


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a keeper of an empty table."""
    return Bench(tmp_path)


@pytest.mark.parametrize(("rows", "size"), [(39, -1), (40, 40)])
def test_a_graph_appears_when_the_table_is_large(bench: Bench, rows: int, size: int) -> None:
    """Below the threshold every vector is compared."""
    bench.append(rows)
    bench.maintain()
    assert bench.graph_size() == size


@pytest.mark.parametrize(("more", "size"), [(7, 40), (8, 48), (30, 70)])
def test_new_rows_are_merged_in_batches(bench: Bench, more: int, size: int) -> None:
    """A few rows stay beside the graph, more are taken in."""
    bench.append(40)
    bench.maintain()
    bench.append(more)
    bench.maintain()
    assert bench.graph_size() == size


@pytest.mark.parametrize(("more", "anew"), [(25, False), (26, True)])
def test_many_new_rows_make_a_new_graph(bench: Bench, more: int, anew: bool) -> None:
    """More than a quarter is built in aside, rather than merged while searches wait."""
    bench.append(100)
    bench.maintain()
    before = bench.keeper.serving
    bench.append(more)
    bench.maintain()
    assert bench.graph_size() == 100 + more
    assert (bench.keeper.serving is not before) is anew


@pytest.fixture
def rushed(bench: Bench) -> Bench:
    """Return one with a graph of 100, to which 21 rows at once are a rush."""
    bench.keeper = GraphKeeper(bench.cache, replace(SMALL, rush=20))
    bench.append(100)
    bench.maintain()
    return bench


def test_in_the_feed_s_rush_the_graph_waits(rushed: Bench) -> None:
    """While rows come quickly nothing is merged or built; when they stop, all are taken in."""
    for _ in range(2):
        rushed.append(21)
        rushed.maintain()
        assert rushed.graph_size() == 100
    rushed.maintain()
    assert rushed.graph_size() == 142


def test_the_dead_are_waited_for_too(rushed: Bench) -> None:
    """A graph is not built anew in the middle of a large replacement."""
    rushed.remove(40)
    rushed.maintain()
    assert rushed.graph_size() == 100
    rushed.maintain()
    assert rushed.graph_size() == 60


def test_no_rush_lasts_for_ever(rushed: Bench) -> None:
    """When as much changed as the graph holds, it is built anew all the same."""
    rushed.append(100)
    rushed.maintain()
    assert rushed.graph_size() == 200


def test_what_serves_is_fed_while_another_is_built(bench: Bench) -> None:
    """New rows don't pile up beside it for as long as a build takes."""
    bench.append(400)
    bench.maintain()
    bench.remove(100)
    before = bench.keeper.serving
    assert isinstance(before, HnswIndex)
    bench.coming = 30
    bench.maintain()
    assert bench.keeper.serving is not before
    assert before.size > 400
    assert bench.graph_size() >= 320


def test_dead_rows_are_not_merged(bench: Bench) -> None:
    """What went before it was merged never enters the graph."""
    bench.append(60)
    bench.maintain()
    bench.append(20)
    bench.table.remove(bench.table.slots[60:70])
    bench.maintain()
    assert bench.graph_size() == 70


@pytest.mark.parametrize(("dead", "size"), [(20, 100), (21, 79)])
def test_a_graph_with_too_many_dead_is_built_anew(bench: Bench, dead: int, size: int) -> None:
    """More than a fifth is too many."""
    bench.append(100)
    bench.maintain()
    bench.remove(dead)
    bench.maintain()
    assert bench.graph_size() == size


def test_a_small_table_loses_its_graph(bench: Bench) -> None:
    """Far below the threshold, graph and snapshot are dropped."""
    bench.append(40)
    bench.maintain()
    bench.remove(21)
    bench.maintain()
    assert bench.graph_size() == -1
    assert bench.cache.cut is None


def test_a_snapshot_follows_growth(bench: Bench) -> None:
    """It is written after building, and again when a tenth is new."""
    bench.append(200)
    bench.maintain()
    assert bench.cache.saves == 1
    bench.append(15)
    bench.maintain()
    assert (bench.graph_size(), bench.cache.saves) == (215, 1)
    bench.append(15)
    bench.maintain()
    assert bench.cache.saves == 2
    bench.append(10)
    bench.maintain()
    bench.keeper.close()
    assert bench.cache.saves == 3


def test_a_snapshot_is_taken_up(bench: Bench, tmp_path: Path) -> None:
    """After a restart the graph comes from disk, and what it lacks is merged."""
    bench.append(60)
    bench.maintain()
    bench.append(20)
    again = GraphKeeper(bench.cache, SMALL)
    again.load(bench.table)
    bench.keeper = again
    assert bench.graph_size() == 60
    found = again.serving.nearest(bench.table, unit_rows(61, 20)[7:8], 1, Allowed(bench.table.alive))[0]
    assert found.rows.tolist() == [67]
    bench.maintain()
    assert bench.graph_size() == 80


def test_a_graph_of_other_parameters_is_not_taken_up(bench: Bench) -> None:
    """Whoever changes the settings gets what they say."""
    bench.append(60)
    bench.maintain()
    other = GraphKeeper(bench.cache, replace(SMALL, hnsw=HnswParameters(12, 64, 64)))
    other.load(bench.table)
    assert other.serving.kind == "exact"


def test_a_full_disk_costs_only_the_snapshot(bench: Bench) -> None:
    """The graph serves although it can't be written."""
    bench.cache.full = True
    bench.append(60)
    bench.maintain()
    bench.keeper.close()
    assert (bench.graph_size(), bench.cache.saves) == (60, 0)


def test_a_graph_is_measured_before_it_serves(bench: Bench) -> None:
    """Its effort is chosen for the target, and its recall known, from the first search on."""
    bench.append(60)
    bench.maintain()
    assert bench.keeper.serving.ef == 16
    assert bench.keeper.serving.recall >= SMALL.target_recall


@pytest.mark.parametrize(("more", "measured"), [(25, False), (26, True)])
def test_it_is_measured_again_after_growth(bench: Bench, more: int, measured: bool) -> None:
    """A quarter more points can want another effort."""
    bench.append(100)
    bench.maintain()
    graph = bench.keeper.serving
    assert isinstance(graph, HnswIndex)
    graph.effort = replace(graph.effort, ef=999)
    for part in (more - 10, 10):
        bench.append(part)
        bench.maintain()
    assert (graph.ef != 999) is measured


@pytest.mark.parametrize(("asked", "measured"), [(255, False), (256, True)])
def test_it_is_measured_with_what_is_asked(bench: Bench, asked: int, measured: bool) -> None:
    """As soon as there are enough real questions."""
    bench.append(100)
    bench.maintain()
    graph = bench.keeper.serving
    assert isinstance(graph, HnswIndex)
    graph.effort = replace(graph.effort, ef=999)
    bench.keeper.note([a_question(vector) for vector in unit_rows(7, asked)])
    bench.maintain()
    assert (graph.ef != 999) is measured


def test_what_is_asked_replaces_what_is_made_up(bench: Bench) -> None:
    """The recall that is told is that of real questions."""
    bench.append(400)
    bench.maintain()
    graph = bench.keeper.serving
    assert isinstance(graph, HnswIndex)
    made = graph.recall
    asked = bench.table.vectors[:300].copy()
    bench.keeper.note([a_question(vector) for vector in asked])
    bench.maintain()
    expected = choose_effort(
        graph, bench.table.points(400), 0.95, lambda: False, asked=np.unique(asked, axis=0)
    )
    assert graph.effort == expected
    assert graph.recall != made


def test_without_a_graph_no_question_is_kept(bench: Bench) -> None:
    """There is nothing to measure, and small collections are many."""
    bench.append(39)
    bench.maintain()
    bench.keeper.note([a_question(vector) for vector in unit_rows(7, 300)])
    bench.append(61)
    bench.maintain()
    graph = bench.keeper.serving
    assert isinstance(graph, HnswIndex)
    assert bench.keeper.memory_bytes == graph.memory_bytes


def test_what_was_measured_is_kept_with_the_graph(bench: Bench) -> None:
    """A restart knows the effort, and measures only what never was."""
    bench.append(60)
    bench.maintain()
    chosen = bench.keeper.serving.recall
    bench.keeper = GraphKeeper(bench.cache, SMALL)
    bench.keeper.load(bench.table)
    assert (bench.keeper.serving.ef, bench.keeper.serving.recall) == (16, chosen)
    graph = bench.keeper.serving
    assert isinstance(graph, HnswIndex)
    graph.effort = Effort(64, 0.0, 0)
    bench.maintain()
    assert (graph.ef, graph.recall) == (16, chosen)


@pytest.mark.parametrize(
    ("changes", "effort"), [({"target_recall": 1.0}, 40), ({"fixed_ef": 33}, 33), ({}, 16)]
)
def test_other_wishes_take_another_effort(bench: Bench, changes: dict[str, float], effort: int) -> None:
    """A graph from disk is measured anew where the settings ask for another recall or a fixed effort."""
    bench.append(400)
    bench.maintain()
    bench.keeper = GraphKeeper(bench.cache, replace(SMALL, **changes))  # type: ignore[arg-type]
    bench.keeper.load(bench.table)
    bench.maintain()
    assert bench.keeper.serving.ef == effort
    assert bench.keeper.serving.recall > 0.9


def test_nothing_is_built_after_the_end(bench: Bench) -> None:
    """A keeper that was closed leaves everything as it is."""
    bench.append(60)
    bench.keeper.close()
    bench.maintain()
    assert bench.graph_size() == -1
