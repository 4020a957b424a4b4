"""Payloads that were read lately."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.vector_search.domain.changes import ChangeSet, EmbeddingModel
from services.vector_search.domain.passages import Passage
from services.vector_search.index.payload_cache import PayloadCache
from services.vector_search.storage.workspace_file import WorkspaceFile
from tests.fakes.vector_search_data import ACME, DIMENSIONS, a_chunk, a_document, as_it_is


class CountingFile(WorkspaceFile):
    """Notes which slots were read."""

    read: list[int]

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Read passages."""
        self.read += slots
        return super().passages(slots)


@pytest.fixture
def file(tmp_path: Path) -> CountingFile:
    """Return a file with five passages, slots 1 to 5."""
    path = tmp_path / "1-abc.sqlite"
    WorkspaceFile.create(path, ACME, 1, "abc", EmbeddingModel("m", DIMENSIONS)).close()
    file = CountingFile.open(path)
    assert isinstance(file, CountingFile)
    chunks = tuple(a_chunk(name, "x", text=name * 1000) for name in "abcde")
    file.apply([ChangeSet(1, documents=(a_document("x"),), chunks=chunks)])
    file.read = []
    return file


def test_a_passage_is_read_once(file: CountingFile) -> None:
    """What is known is not read again, and is what the file says."""
    cache = PayloadCache(file, as_it_is, lambda: 1 << 20)
    cache.passages([1, 2])
    assert cache.passages([2, 3, 1]) == WorkspaceFile.passages(file, [1, 2, 3])
    assert sorted(file.read) == [1, 2, 3]


def test_it_keeps_to_its_size(file: CountingFile) -> None:
    """What does not fit beside the newest is forgotten; what is larger than all is not kept."""
    cache = PayloadCache(file, as_it_is, lambda: 4000)
    for slots in ([1, 2], [3, 4], [1, 2, 3, 4, 5]):
        assert sorted(cache.passages(slots)) == slots
        assert cache.memory_bytes <= 4000


def test_what_is_forgotten_is_read_again(file: CountingFile) -> None:
    """A new title is seen at once, and what stays is not read again."""
    cache = PayloadCache(file, as_it_is, lambda: 1 << 20)
    cache.passages([1])
    before = cache.memory_bytes
    cache.passages([2])
    file.apply([ChangeSet(2, documents=(a_document("x", title="Other"),))])
    cache.forget([2, 5])
    assert cache.memory_bytes == before
    assert cache.passages([1, 2])[2].title == "Other"
    assert file.read == [1, 2, 2]
