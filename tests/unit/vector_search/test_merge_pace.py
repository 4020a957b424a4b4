"""How many rows are merged in one go."""

from services.vector_search.index.merge_pace import MergePace


def pace(seconds_per_row: float, merges: int = 20) -> MergePace:
    """Return what is learned from merges of rows that take so long each."""
    pace = MergePace()
    for _ in range(merges):
        pace.took(pace.rows, pace.rows * seconds_per_row)
    return pace


def test_it_begins_with_one_row() -> None:
    """Nothing is known of the graph yet."""
    assert MergePace().rows == 1


def test_it_fits_the_rows_to_the_time() -> None:
    """About a millisecond and a half, whatever a row takes."""
    assert pace(0.0005).rows == 3
    assert pace(0.00005).rows == 30


def test_a_slow_graph_is_fed_row_by_row() -> None:
    """Never less than one."""
    assert pace(0.5).rows == 1


def test_it_has_a_bound() -> None:
    """A clock too coarse to see a merge does not make it endless."""
    assert pace(0.0).rows == pace(1e-9).rows == 256


def test_it_grows_slowly_and_shrinks_at_once() -> None:
    """One merge that went quickly proves little; one that took long was long for everybody."""
    learned = pace(0.00005)
    learned.took(30, 0.0001)
    assert learned.rows == 60
    learned.took(60, 0.03)
    assert learned.rows == 3
