"""How near units are to a question."""

from fractions import Fraction
from math import sqrt

import numpy as np
import numpy.typing as npt
import pytest

from services.vector_search.domain.units import NO_UNITS, Units
from services.vector_search.domain.vectors import FloatVector
from services.vector_search.index.unit_cosines import unit_cosines
from tests.fakes.vector_search_data import a_vector, some_units, unit_rows

WIDE = 384


def exact_cosine(query: FloatVector, unit: npt.NDArray[np.int8]) -> float:
    """Return a cosine whose sums are exact."""
    products = sum((Fraction(float(q)) * int(u) for q, u in zip(query, unit, strict=True)), Fraction())
    return float(products) / sqrt(sum(int(u) ** 2 for u in unit))


def test_they_are_those_of_exact_arithmetic() -> None:
    """To the last digit that single precision has."""
    query = a_vector(1, WIDE)
    units = some_units(2, 4, WIDE)
    rows = np.frombuffer(units.vectors, dtype=np.int8).reshape(4, WIDE)
    (found,) = unit_cosines(query, [units])
    assert found.dtype == np.float32
    assert found.tolist() == [np.float32(exact_cosine(query, row)) for row in rows]


@pytest.mark.parametrize("length", [1, 5, 120])
def test_the_length_of_a_unit_s_vector_does_not_count(length: int) -> None:
    """Only its direction does; the same direction is a cosine of 1, the opposite one of −1."""
    query = np.eye(8, dtype=np.float32)[3]
    row = np.zeros((2, 8), dtype=np.int8)
    row[:, 3] = (length, -length)
    (found,) = unit_cosines(query, [Units(b"", row.tobytes())])
    assert found.tolist() == [1.0, -1.0]


def test_a_vector_of_zeros_is_near_nothing() -> None:
    """It has no direction; its neighbours keep their own cosines."""
    units = some_units(3, 5)
    (found,) = unit_cosines(a_vector(1), [units])
    assert found[4] == 0
    assert np.count_nonzero(found) == 4


def test_no_cosine_is_beyond_one() -> None:
    """What rounding a question's values added to its length is taken away."""
    query = np.full(8, np.float32(np.sqrt(0.125)) + np.float32(6e-8), dtype=np.float32)
    units = Units(
        b"", np.full((1, 8), 127, dtype=np.int8).tobytes() + np.full((1, 8), -127, dtype=np.int8).tobytes()
    )
    (found,) = unit_cosines(query, [units])
    assert found.tolist() == [1.0, -1.0]


def test_they_do_not_depend_on_what_else_was_found() -> None:
    """Alone, together, in any order: the same bytes."""
    several = [some_units(seed, seed % 9, WIDE) for seed in range(40)]
    order = np.random.default_rng(5).permutation(40).tolist()
    for query in unit_rows(7, 20, WIDE):
        alone = [unit_cosines(query, [each])[0].tobytes() for each in several]
        together = unit_cosines(query, [several[place] for place in order])
        assert [alone[place] for place in order] == [each.tobytes() for each in together]


def test_passages_without_units_have_none() -> None:
    """Each passage gets as many as it has units, and nothing where nothing was found."""
    found = unit_cosines(a_vector(1), [NO_UNITS, some_units(1, 3), NO_UNITS, some_units(2, 2)])
    assert [len(each) for each in found] == [0, 3, 0, 2]
    assert [len(each) for each in unit_cosines(a_vector(1), [NO_UNITS])] == [0]
    assert unit_cosines(a_vector(1), []) == []
