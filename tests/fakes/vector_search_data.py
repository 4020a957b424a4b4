"""Passages with random vectors, and a replica put together over a folder."""

from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import Chunk
from services.vector_search.domain.follower import Follower
from services.vector_search.domain.lease import Lease
from services.vector_search.domain.passages import PASSAGE, Document, Passage
from services.vector_search.domain.ports import Collection
from services.vector_search.domain.replica import Replica
from services.vector_search.domain.search import SearchQuery, SearchResult
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import FloatMatrix, FloatVector
from services.vector_search.domain.workspaces import Workspaces
from services.vector_search.index.collection import HybridCollections
from services.vector_search.index.graph_keeper import CollectionSettings
from services.vector_search.index.hnsw import HnswParameters
from services.vector_search.storage.data_directory import DataDirectory
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.past import FakePast

ACME = WorkspaceId("ws_acme")
GLOBEX = WorkspaceId("ws_globex")
DIMENSIONS = 8

# Small enough that a graph appears, is fed and is rebuilt within a test.
SMALL = CollectionSettings(
    exact_below=40,
    hnsw=HnswParameters(8, 64, 64, rows_per_step=0),
    buffer=8,
    snapshot_share=0.1,
)


class Seconds:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds it was set to."""
        return self.now


def unit_rows(seed: int, count: int, dimensions: int = DIMENSIONS) -> FloatMatrix:
    """Return random unit vectors, the same for the same seed."""
    rows = np.random.default_rng(seed).standard_normal((count, dimensions))
    units: FloatMatrix = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return units


def a_vector(seed: int, dimensions: int = DIMENSIONS) -> FloatVector:
    """Return a random unit vector, the same for the same seed."""
    vector: FloatVector = unit_rows(seed, 1, dimensions)[0]
    return vector


def a_document(name: str, **changes: object) -> Document:
    """Return a public, active document called `doc_<name>`."""
    attributes: dict[str, object] = {"title": f"About {name}", "url": f"https://example.com/{name}"}
    return Document(document_id=f"doc_{name}", **{**attributes, **changes})  # type: ignore[arg-type]


def some_units(seed: int, count: int, dimensions: int = DIMENSIONS) -> Units:
    """Return units with random vectors, the same for the same seed; every fifth vector is zero."""
    vectors = np.random.default_rng(seed).integers(-127, 128, (count, dimensions), dtype=np.int8)
    vectors[4::5] = 0
    units = [
        pb.Unit(start=9 * n, end=9 * n + 8, kind="item", block=seed, heading="Ü" * (n % 2), place=n)
        for n in range(count)
    ]
    return Units(pb.Hit(units=units).SerializeToString(), vectors.tobytes())


def a_chunk(
    name: str,
    document: str,
    *,
    seed: int | None = None,
    text: str = "",
    dimensions: int = DIMENSIONS,
    units: Units | None = None,
    kind: str = PASSAGE,
) -> Chunk:
    """Return a passage called `chunk_<name>` of `doc_<document>`; its vectors come from the seed."""
    seed = sum(name.encode()) if seed is None else seed
    return Chunk(
        chunk_id=f"chunk_{name}",
        document_id=f"doc_{document}",
        ordinal=0,
        heading_path=("Help",),
        text=text or f"words of {name}",
        vector=a_vector(seed, dimensions),
        units=some_units(seed, seed % 7, dimensions) if units is None else units,
        kind=kind,
    )


def a_question(
    vector: FloatVector | None = None, text: str = "", limit: int = 10, **more: object
) -> SearchQuery:
    """Return a valid question."""
    raw = b"" if vector is None else vector.astype("<f4").tobytes()
    return SearchQuery.of(vector=raw, text=text, limit=limit, **more)  # type: ignore[arg-type]


def as_it_is(passage: Passage) -> Passage:
    """Encode nothing."""
    return passage


class Hit(NamedTuple):
    """A passage that was found, with its scores."""

    passage: Passage
    score: float
    dense: float
    lexical: float
    # Encoded.
    units: bytes = b""
    unit_cosines: tuple[float, ...] = ()


def hits_of(result: SearchResult) -> list[Hit]:
    """Return an answer passage by passage."""
    columns = (result.passages, result.scores, result.dense, result.lexical)
    cosines = (tuple(each.tolist()) for each in result.unit_cosines)
    return list(
        map(Hit, *columns, result.units or repeat(b""), cosines if result.unit_cosines else repeat(()))
    )


@dataclass
class ReplicaUnderTest:
    """A whole replica without a network: files, indexes, follower and lease, on a clock that stands."""

    feed: FakeChangeFeed
    folder: Path
    settings: CollectionSettings = SMALL
    memory_bytes: int = 1 << 30
    clock: Seconds = field(default_factory=Seconds)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin, over what is in the folder."""
        self.directory = DataDirectory(self.folder)
        loader = HybridCollections(self.directory.index_cache, self.settings, as_it_is)
        self.workspaces = Workspaces(self.directory, loader, self.memory_bytes, self.clock)
        self.past = FakePast()
        self.lease = Lease(self.clock)
        self.follower = Follower(self.feed, self.workspaces, self.past, self.lease, self.clock)
        self.replica = Replica(self.workspaces, self.past, self.lease)

    def follow(self, steps: int = 50) -> None:
        """Step until nothing is behind and everything is acknowledged."""
        for _ in range(steps):
            self.clock.now += 0.2
            self.feed.calls.clear()
            self.follower.step()
            if self.feed.calls == ["sync"] and not self.feed.behind():
                return
        raise AssertionError("the replica does not get level")

    def crash(self) -> None:
        """Drop everything in memory as a killed process would, and start again."""
        self.directory.release()
        self.start()

    def stop(self) -> None:
        """End in order."""
        self.workspaces.close()
        self.directory.release()

    def collection(self, workspace_id: WorkspaceId) -> Collection | None:
        """Return what is in memory of the generation that serves."""
        generation = self.workspaces._workspaces[workspace_id].serving
        return generation.collection if generation else None

    def found(self, workspace_id: WorkspaceId, query: SearchQuery) -> list[str]:
        """Return the ids of what a search finds."""
        result = self.replica.search(workspace_id, query, None)
        return [passage.chunk_id for passage in result.passages]
