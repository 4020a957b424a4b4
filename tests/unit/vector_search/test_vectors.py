"""Stores of vectors: in memory and in a file."""

import hashlib
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.snapshot import Vectors
from services.vector_search.index.memory_vectors import MemoryVectors
from services.vector_search.index.rows import RowTable
from services.vector_search.storage.vector_file import VectorFile
from tests.fakes.vector_search_data import DIMENSIONS, unit_rows

ROW_BYTES = DIMENSIONS * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "vectors"


@pytest.fixture(params=["memory", "file"])
def vectors(request: pytest.FixtureRequest, path: Path) -> Vectors:
    """Return an empty store of either kind."""
    return MemoryVectors(DIMENSIONS) if request.param == "memory" else VectorFile(path, DIMENSIONS)


def test_rows_come_back_in_order(vectors: Vectors) -> None:
    """What was appended is there, however often the store had to grow."""
    assert vectors.matrix.shape == (0, DIMENSIONS)
    parts = [unit_rows(seed, count) for seed, count in enumerate((1, 0, 3, 5000, 1, 4000))]
    for part in parts:
        vectors.append(part)
    assert np.array_equal(vectors.matrix, np.concatenate(parts))


def test_a_matrix_stays_as_it_is(vectors: Vectors) -> None:
    """Who reads goes on with what there was, also after the store has grown and its memory was let go."""
    vectors.append(unit_rows(1, 10))
    before = vectors.matrix
    vectors.append(unit_rows(2, 20_000))
    vectors.release()
    assert np.array_equal(before, unit_rows(1, 10))
    assert np.array_equal(vectors.matrix[10:], unit_rows(2, 20_000))


def test_tables_are_the_same_over_both(vectors: Vectors) -> None:
    """Where the vectors are makes no difference to a table, nor to one that is made of it."""
    table = RowTable(DIMENSIONS, vectors)
    table.append(np.arange(1, 101), np.arange(100, dtype=np.int32), unit_rows(1, 100))
    table.remove(np.arange(1, 101, 3))
    query = unit_rows(2, 1)[0]
    compacted = table.compacted()
    assert compacted.slots.tolist() == [slot for slot in range(1, 101) if slot % 3 != 1]
    rows = table.rows_of(compacted.slots)
    assert np.array_equal(compacted.exact_cosines(query, np.arange(66)), table.exact_cosines(query, rows))
    assert np.array_equal(compacted.all_cosines(query), table.cosines(query, rows))


@pytest.mark.parametrize("slots", [[5, 6, 7, 8], [5, 6, 8, 9]])
def test_rows_are_told_by_their_slots(slots: list[int]) -> None:
    """Whether there are gaps or not; of slots that are not here, below, between and above, −1."""
    table = RowTable(DIMENSIONS)
    table.append(np.array(slots), np.zeros(4, dtype=np.int32), unit_rows(1, 4))
    asked = np.arange(3, 12)
    expected = [slots.index(slot) if slot in slots else -1 for slot in asked.tolist()]
    assert table.rows_of(asked).tolist() == expected
    assert [table.first_row_after(slot) for slot in (4, 5, slots[-1])] == [0, 1, 4]


def test_only_memory_counts_as_memory(path: Path) -> None:
    """A file's pages are the system's, which takes them back when it needs them."""
    table = RowTable(DIMENSIONS, VectorFile(path, DIMENSIONS))
    table.append(np.arange(100), np.zeros(100, dtype=np.int32), unit_rows(1, 100))
    assert table.compacted().memory_bytes - table.memory_bytes == 100 * ROW_BYTES


def resident_bytes(path: Path) -> int:
    """Return how much of a file is mapped into this process and counts as its own."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.partition(" ")[0]:
            ours = line.endswith(str(path))
        elif ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def test_what_was_read_is_given_back(path: Path) -> None:
    """Reading takes memory of the process, `release` gives it back, and reading on works."""
    vectors = VectorFile(path, DIMENSIONS)
    vectors.append(unit_rows(1, 20_000))
    total = float(vectors.matrix.sum())
    assert resident_bytes(path) >= vectors.bytes
    vectors.release()
    assert resident_bytes(path) == 0
    assert float(vectors.matrix.sum()) == total


def test_a_file_is_taken_up(path: Path) -> None:
    """The next process goes on after the rows that it was told of; what followed them is gone."""
    vectors = VectorFile(path, DIMENSIONS)
    vectors.append(unit_rows(1, 3000))
    size, digest = vectors.bytes, vectors.sha256
    assert digest == hashlib.sha256(unit_rows(1, 3000).tobytes()).hexdigest()
    vectors.append(unit_rows(2, 50))
    again = VectorFile(path, DIMENSIONS)
    again.take(size, digest)
    assert np.array_equal(again.matrix, unit_rows(1, 3000))
    again.append(unit_rows(3, 2))
    assert np.array_equal(again.matrix[2999:], np.concatenate((unit_rows(1, 3000)[-1:], unit_rows(3, 2))))
    assert again.sha256 == hashlib.sha256(again.matrix.tobytes()).hexdigest()


def test_none_is_a_number_of_rows_too(path: Path) -> None:
    """A file can be taken up empty."""
    VectorFile(path, DIMENSIONS).append(unit_rows(1, 3))
    again = VectorFile(path, DIMENSIONS)
    again.take(0, hashlib.sha256().hexdigest())
    assert (len(again.matrix), path.stat().st_size) == (0, 0)


def flip(path: Path) -> None:
    """Change one bit."""
    raw = bytearray(path.read_bytes())
    raw[100 * ROW_BYTES] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("damage", [flip, lambda path: os.truncate(path, 199 * ROW_BYTES)])
def test_a_damaged_file_is_not_taken_up(path: Path, damage: Callable[[Path], None]) -> None:
    """Flipped or cut off, it says so."""
    vectors = VectorFile(path, DIMENSIONS)
    vectors.append(unit_rows(1, 200))
    damage(path)
    with pytest.raises(ValueError, match="vectors"):
        VectorFile(path, DIMENSIONS).take(vectors.bytes, vectors.sha256)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Have writing beyond a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error_and_no_signal(path: Path) -> None:
    """What does not fit says so, and what was there can still be read."""
    vectors = VectorFile(path, DIMENSIONS)
    vectors.append(unit_rows(1, 10))
    with files_no_longer_than(path.stat().st_size), pytest.raises(StoreUnavailable):
        vectors.append(unit_rows(2, 5000))
    assert np.array_equal(vectors.matrix[:10], unit_rows(1, 10))
