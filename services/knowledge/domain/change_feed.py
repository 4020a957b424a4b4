"""The change feed: what search replicas follow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.chunking.passage import PassageKind
from services.knowledge.domain.document import Audience, DocumentId
from services.knowledge.domain.units.unit import Unit

ReplicaId = NewType("ReplicaId", str)

# Texts, units and vectors of about so many bytes travel in one answer, more only where one revision has more.
ANSWER_BYTES = 4 * 1000 * 1000
MAX_BEHIND = 1000


@dataclass(frozen=True)
class Position:
    """
    What a replica has of a workspace's generation: all up to `revision`, below which it will never serve it.

    None of its files of the workspace, of whatever generation, has anything of what was deleted or replaced
    up to `erased_revision`.
    """

    workspace_id: WorkspaceId
    generation: int
    revision: int
    erased_revision: int = 0


@dataclass(frozen=True)
class Head:
    """The newest revision of a workspace's generation; `next`: of one that is being made beside another."""

    workspace_id: WorkspaceId
    generation: int
    revision: int
    next: bool = False


@dataclass(frozen=True)
class Switch:
    """All replicas go over to a workspace's next generation at this instant."""

    workspace_id: WorkspaceId
    generation: int
    at: datetime


@dataclass(frozen=True)
class News:
    """
    What a replica is told: what it is behind on, and all generations that are being made with their switches.

    `told_at`: when this was said. A switch that lies before it has been made.
    """

    behind: Sequence[Head]
    next: Sequence[Head]
    switches: Sequence[Switch]
    told_at: datetime


@dataclass(frozen=True)
class DocumentChange:
    """A document as search must know it."""

    document_id: DocumentId
    title: str
    url: str
    tags: tuple[str, ...]
    locale: str
    audience: Audience
    active: bool
    updated_at: datetime


@dataclass(frozen=True)
class ChunkChange:
    """
    A passage as search must know it.

    `vector` is little-endian float32, `unit_vectors` has `dimensions` int8 for each of `units`.
    """

    chunk_id: str
    document_id: DocumentId
    ordinal: int
    heading_path: tuple[str, ...]
    text: str
    vector: bytes
    kind: PassageKind
    units: tuple[Unit, ...]
    unit_vectors: bytes


@dataclass
class ChangeSet:
    """All that one revision changed."""

    revision: int
    documents: list[DocumentChange] = field(default_factory=list)
    gone_documents: list[DocumentId] = field(default_factory=list)
    chunks: list[ChunkChange] = field(default_factory=list)
    gone_chunks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Changes:
    """
    A stretch of a workspace's feed.

    `restart`: tombstones are gone that the asker needs, or it knows a future that never came (a restored
    database); it must begin at 0.
    """

    sets: Sequence[ChangeSet]
    head_revision: int
    restart: bool
    embedding_model: str
    dimensions: int


@dataclass(frozen=True)
class Replica:
    """What a search replica says of itself and of what it has."""

    id: ReplicaId
    address: str
    acknowledged: Sequence[Position]
    reset: bool


@dataclass(frozen=True)
class LiveReplica:
    """
    What a live replica has of a workspace: revisions in the generation that serves and in the next one.

    Its files have nothing of what was deleted up to `erased`. `switching`: the switch is set.
    """

    address: str
    switching: bool
    serving: int = 0
    following: int = 0
    erased: int = 0

    @property
    def floor(self) -> int:
        """Below this it serves nothing, neither before nor after the switch that is set."""
        return min(self.serving, self.following) if self.switching else self.serving

    def is_level(self, whole_at: int) -> bool:
        """Whether it could serve the next generation, whole from a revision on, without going back."""
        return self.following >= max(whole_at, self.serving)


@dataclass(frozen=True)
class ReplicaState:
    """A live replica's place in one workspace."""

    address: str
    revision: int
    lag_seconds: float


@dataclass(frozen=True)
class IndexState:
    """The state of a workspace's index; see the public `Index`."""

    documents: int
    chunks: int
    bytes: int
    revision: int
    indexed_revision: int
    pending: int
    failed: int
    embedding_model: str
    dimensions: int
    generation: int
    next_generation: int | None
    previous_generation: int | None
    replicas: Sequence[ReplicaState]
