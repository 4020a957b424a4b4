"""What the change feed tells."""

from dataclasses import dataclass
from typing import NamedTuple

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
    # True: tombstones are gone that the asker needs; begin again at 0.
    restart: bool
    model: EmbeddingModel

    @property
    def hide_something(self) -> bool:
        """Whether documents are deleted in it, or are not, or no longer, for everybody."""
        return any(
            each.deleted_documents or any(document.authenticated for document in each.documents)
            for each in self.sets
        )


class GenerationId(NamedTuple):
    """A generation of a workspace's index."""

    workspace_id: WorkspaceId
    generation: int


@dataclass(frozen=True)
class Position:
    """How far a workspace's generation is."""

    workspace_id: WorkspaceId
    generation: int
    revision: int

    @property
    def generation_id(self) -> GenerationId:
        """Which generation it is."""
        return GenerationId(self.workspace_id, self.generation)


@dataclass(frozen=True)
class Cursor:
    """
    Where to go on in the feed of a generation.

    `begun_at`: where the feed stood when the file was begun at 0, for one that is being built. What was gone
    by then it never had. 0: not known.
    """

    position: Position
    begun_at: int = 0


@dataclass(frozen=True)
class Acknowledgement:
    """
    What a replica promises: never to serve a generation below a position.

    And that none of its files of this workspace, of whatever generation, has anything of what was deleted or
    replaced up to `erased_revision`.
    """

    position: Position
    erased_revision: int


@dataclass(frozen=True)
class Head:
    """The newest position of a generation; `is_next`: of one that is held ready and not served."""

    position: Position
    is_next: bool = False


@dataclass(frozen=True)
class Switch:
    """A workspace goes over to a generation so many seconds after the feed said so, on every replica."""

    generation_id: GenerationId
    after_seconds: float


@dataclass(frozen=True)
class SyncAnswer:
    """The feed's answer to a report."""

    lease_seconds: float
    # What is newer than what was acknowledged.
    behind: tuple[Head, ...]
    # False: there may be more behind than the answer holds.
    complete: bool
    # All switches that are set.
    switches: tuple[Switch, ...] = ()
    # All generations that are being made beside those that serve.
    next: frozenset[GenerationId] = frozenset()
