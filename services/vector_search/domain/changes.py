"""What the change feed tells."""

from dataclasses import dataclass

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.passages import PASSAGE, Document
from services.vector_search.domain.units import NO_UNITS, Units
from services.vector_search.domain.vectors import FloatVector


@dataclass(frozen=True)
class EmbeddingModel:
    """
    What made the vectors of a generation; vectors of two models never meet.

    No name and no dimensions: nothing was embedded yet, so that there are documents but no passages.
    """

    name: str
    dimensions: int


@dataclass(frozen=True)
class Chunk:
    """A passage as it is now; its document may come in a later change."""

    chunk_id: str
    document_id: str
    ordinal: int
    heading_path: tuple[str, ...]
    text: str
    # Length 1.
    vector: FloatVector
    units: Units = NO_UNITS
    kind: str = PASSAGE


@dataclass(frozen=True)
class ChangeSet:
    """All that one revision changed; applied whole. A deleted document takes its passages with it."""

    revision: int
    documents: tuple[Document, ...] = ()
    deleted_documents: tuple[str, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    deleted_chunks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """One answer of the feed: change sets in order, and where the workspace stands."""

    sets: tuple[ChangeSet, ...]
    head_revision: int
    # True: tombstones after the cursor are gone; begin again at 0.
    restart: bool
    model: EmbeddingModel


@dataclass(frozen=True)
class Position:
    """How far a workspace's generation is."""

    workspace_id: WorkspaceId
    generation: int
    revision: int


@dataclass(frozen=True)
class SyncAnswer:
    """The feed's answer to a report: the lease, and what is newer than what was acknowledged."""

    lease_seconds: float
    behind: tuple[Position, ...]
    # False: there may be more workspaces behind than the answer holds.
    complete: bool
