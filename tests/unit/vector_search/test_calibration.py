"""The effort of a graph's searches."""

import numpy as np
import pytest

from services.vector_search.index.calibration import LADDER, choose_effort
from services.vector_search.index.hnsw import HnswIndex, HnswParameters
from services.vector_search.index.rows import RowTable
from tests.fakes.vector_search_data import unit_rows

ROWS = 1500
DIMENSIONS = 24


@pytest.fixture
def table() -> RowTable:
    """Return a table of random vectors."""
    table = RowTable(DIMENSIONS)
    slots = np.arange(1, ROWS + 1, dtype=np.int64) * 3
    table.append(slots, np.zeros(ROWS, dtype=np.int32), unit_rows(1, ROWS, DIMENSIONS))
    return table


@pytest.fixture
def graph(table: RowTable) -> HnswIndex:
    """Return a sparse graph over all of it, hard to search."""
    graph = HnswIndex(DIMENSIONS, HnswParameters(4, 16))
    graph.add(table.slots, table.vectors)
    return graph


def never() -> bool:
    """Go on."""
    return False


def test_a_higher_target_takes_more_effort(table: RowTable, graph: HnswIndex) -> None:
    """The effort grows with what is wanted, and the recall that is told reaches it."""
    points = table.points(ROWS)
    efforts = [choose_effort(graph, points, target, never) for target in (0.6, 0.8, 0.95)]
    chosen = [each.ef for each in efforts if each]
    assert chosen == sorted(chosen)
    assert len(set(chosen)) == 3
    for effort, target in zip(efforts, (0.6, 0.8, 0.95), strict=True):
        assert effort is not None
        assert effort.recall >= target


def test_the_recall_holds_for_other_questions(table: RowTable, graph: HnswIndex) -> None:
    """What was measured on the sample is about what questions get that no point was made from."""
    effort = choose_effort(graph, table.points(ROWS), 0.9, never)
    assert effort is not None
    queries = unit_rows(2, 300, DIMENSIONS)
    truth = np.argsort(-(queries @ table.vectors.T), axis=1)[:, :10]
    found = graph.slots_near(queries, effort.ef)
    assert found is not None
    shares = [
        len(set(row.tolist()) & set(table.slots[t].tolist())) / 10
        for row, t in zip(found, truth, strict=True)
    ]
    assert np.mean(shares) >= effort.recall - 0.03


def test_a_mean_that_may_be_luck_is_not_enough(table: RowTable, graph: HnswIndex) -> None:
    """Other questions could fare worse than the sample, so it must do better than the target."""
    points = table.points(ROWS)
    reached = choose_effort(graph, points, 0.0, never, ladder=(24,))
    assert reached is not None
    assert reached.recall < 1
    for less, chosen in ((0.0, 768), (0.002, 768), (0.2, 24)):
        effort = choose_effort(graph, points, reached.recall - less, never, ladder=(24, 768))
        assert effort is not None
        assert effort.ef == chosen


def test_an_unreachable_target_takes_all(table: RowTable, graph: HnswIndex) -> None:
    """Where nothing reaches the target, the largest effort is taken and the truth is told."""
    effort = choose_effort(graph, table.points(ROWS), 1.01, never)
    assert effort is not None
    assert effort.ef == LADDER[-1]
    assert effort.recall <= 1


def test_the_dead_count_neither_way(table: RowTable, graph: HnswIndex) -> None:
    """Points that died after they were built in are no part of the truth."""
    table.remove(table.slots[::6].copy())
    effort = choose_effort(graph, table.points(ROWS), 0.9, never)
    assert effort is not None
    assert effort.recall >= 0.9


def test_real_questions_are_measured_with(table: RowTable, graph: HnswIndex) -> None:
    """Where people ask for what the graph finds easily, little effort is enough; and the other way round."""
    points = table.points(ROWS)
    easy = choose_effort(graph, points, 0.9, never, asked=table.vectors[:300])
    made = choose_effort(graph, points, 0.9, never)
    hard = choose_effort(graph, points, 0.9, never, asked=unit_rows(3, 300, DIMENSIONS))
    assert easy is not None
    assert made is not None
    assert hard is not None
    assert easy.ef < made.ef <= hard.ef


def test_what_is_made_up_is_as_hard_as_new_questions(table: RowTable, graph: HnswIndex) -> None:
    """Whoever asks what nobody asked before still gets the target."""
    points, target = table.points(ROWS), 0.9
    chosen = choose_effort(graph, points, target, never)
    assert chosen is not None
    new = choose_effort(
        graph, points, target, never, ladder=(chosen.ef,), asked=unit_rows(4, 500, DIMENSIONS)
    )
    assert new is not None
    assert new.recall >= target


@pytest.mark.parametrize("looks", [0, 1, 3, 9])
def test_it_can_be_stopped(table: RowTable, graph: HnswIndex, looks: int) -> None:
    """A process that ends waits for no measurement, wherever that is."""
    answers = iter([False] * looks)
    assert choose_effort(graph, table.points(ROWS), 0.99, lambda: next(answers, True)) is None


def test_nothing_to_measure(table: RowTable, graph: HnswIndex) -> None:
    """Where no point lives there is no effort."""
    assert choose_effort(graph, table.points(0), 0.9, never) is None
