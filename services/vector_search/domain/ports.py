"""What a replica needs of others: the feed, local files, an index in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import (
    Acknowledgement,
    Changes,
    ChangeSet,
    Cursor,
    EmbeddingModel,
    GenerationId,
    Position,
    SyncAnswer,
)
from services.vector_search.domain.deadline import Deadline
from services.vector_search.domain.passages import Document, Passage
from services.vector_search.domain.search import IndexStatus, SearchQuery, SearchResult
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import FloatMatrix, Slots


class ChangeFeed(Protocol):
    """The knowledge service's change feed."""

    def sync(
        self, acknowledged: Sequence[Acknowledgement], *, reset: bool, wait_seconds: float
    ) -> SyncAnswer:
        """
        Renew the lease and acknowledge; wait up to `wait_seconds` for news when there is none.

        `reset`: what this replica acknowledged before is forgotten.

        Raises:
            DomainError: the feed did not answer, or refused; safe to repeat.
        """

    def changes(self, cursor: Cursor) -> Changes:
        """
        Return what came after a cursor, whole revisions in order; none: it is level.

        Raises:
            ChangesRefused: the feed broke its own rules.
            DomainError: the feed did not answer, or refused; safe to repeat.
        """


@dataclass(frozen=True)
class StoreInfo:
    """Which local file it is and how far it is."""

    workspace_id: WorkspaceId
    generation: int
    # Random; a graph that was made of another file never fits.
    file_id: str
    model: EmbeddingModel
    revision: int
    # Whether it was level with the feed once; one that was not is never served.
    complete: bool
    # Neither the file nor what is kept beside it has anything of what was deleted or replaced up to here. At
    # most `revision`, and level with it where nothing was deleted or replaced since it last was.
    erased_revision: int = 0

    @property
    def generation_id(self) -> GenerationId:
        """Which generation it is of."""
        return GenerationId(self.workspace_id, self.generation)

    @property
    def position(self) -> Position:
        """How far it is."""
        return Position(self.workspace_id, self.generation, self.revision)


@dataclass(frozen=True)
class StoredPassages:
    """Passages as the index takes them: aligned lists, ascending slots."""

    slots: Slots
    document_ids: list[str]
    vectors: FloatMatrix
    # Title, headings and text.
    words: list[str]


@dataclass(frozen=True)
class Delta:
    """What applying changes did to a file, for the index in memory to follow."""

    revision: int
    # Passages that are gone; a changed passage goes and comes back under a new slot.
    removed: Slots
    added: StoredPassages
    # Passages that stay but whose searchable words changed, as their document's title did.
    reworded: dict[int, str]
    # Passages that stay but whose document's title or address changed, in any order.
    relabelled: Slots
    documents: tuple[Document, ...]
    removed_documents: tuple[str, ...]


class PassageStore(Protocol):
    """
    One generation of one workspace on the local disk: the state that indexes in memory are caches of.

    Every method may raise StoreDamaged or StoreUnavailable. One thread writes at a time; any number read.
    What a transaction removes stays readable by `passages` and `units` until the next one or `erase`, so that
    a search that began before it can end.
    """

    @property
    def info(self) -> StoreInfo:
        """What it is and how far."""

    def apply(self, sets: Sequence[ChangeSet]) -> Delta:
        """Apply change sets in one transaction, durably against the death of the process."""

    def settle(self, revision: int) -> None:
        """Note that the file is level at `revision`: nothing between its own and this one was missed."""

    def erase(self, revision: int) -> None:
        """
        Have nothing of what was deleted or replaced in the file and its log any more.

        `revision`, at most its own, is what `erased_revision` becomes: up to there the files beside it have
        nothing of it either. StoreUnavailable where somebody is reading just now: try again later.
        """

    def verify(self) -> None:
        """Read the whole structure; raise StoreDamaged where it is not sound."""

    def documents(self) -> list[Document]:
        """Return all documents."""

    def owners(self) -> Iterator[tuple[Slots, list[str]]]:
        """Yield slots and the ids of their documents in batches, all passages in any order."""

    def contents(self, after: int = 0) -> Iterator[StoredPassages]:
        """Yield the passages of larger slots in batches, ascending slots."""

    def words(self) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of all passages."""

    def reworded(self, since: int) -> Iterator[tuple[int, str]]:
        """Yield the slot and the searchable words of passages whose document's title changed since."""

    def last_slot(self) -> int:
        """Return the last slot that was ever given out; 0: none."""

    def checkpoint(self) -> None:
        """
        Have everything that was applied on disk, also against the death of the machine.

        StoreUnavailable where somebody is reading just now: try again later.
        """

    def count(self) -> int:
        """Return the number of passages."""

    def chunk_ids(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of passages."""

    def passages(self, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages with all that an answer needs, except for units."""

    def units(self, slots: Sequence[int]) -> dict[int, Units]:
        """Return the units of passages, each with as many as it has."""

    def close(self) -> None:
        """Let go of the file."""


class StoreDirectory(Protocol):
    """All local files."""

    def existing(self) -> list[StoreInfo]:
        """Return the readable files; damaged ones are reported and deleted."""

    def create(self, workspace_id: WorkspaceId, generation: int, model: EmbeddingModel) -> PassageStore:
        """Make an empty file, beside those that the workspace has."""

    def open(self, info: StoreInfo) -> PassageStore:
        """Open a file. Raises StoreDamaged, also where it is missing."""

    def delete(self, info: StoreInfo) -> None:
        """Delete a file and its caches; no error where it is gone."""

    def erase(self, info: StoreInfo) -> StoreInfo:
        """
        Take what was deleted or replaced out of a file that is not in memory, and out of its caches.

        For a file that nobody has open: to one that is being built, its own `erase` does it. To be called as
        long as its `erased_revision` is below its revision. Returns what the file is now.

        Raises:
            StoreDamaged: the file is not sound.
            StoreUnavailable: the disk refused; to be tried again.
        """


class Collection(Protocol):
    """One generation of one workspace in memory, joined with its file. Safe to use from several threads."""

    @property
    def info(self) -> StoreInfo:
        """What its file is and how far."""

    def status(self) -> IndexStatus:
        """What it has in memory, and how it searches."""

    @property
    def memory_bytes(self) -> int:
        """About how much memory it takes."""

    def search_each(self, queries: Sequence[SearchQuery], deadline: Deadline) -> list[SearchResult]:
        """
        Return the nearest passages that each question's filter allows, of one revision for all.

        Never fewer than `limit` where that many match; the same as if each question was asked alone.

        Raises:
            InvalidArgument: a vector has another length.
            DeadlineExceeded: the time was over before the end.
            CollectionClosed: find the collection again.
            StoreDamaged, StoreUnavailable: the payload can't be read.
        """

    def apply(self, sets: Sequence[ChangeSet]) -> object:
        """Apply to the file, then to memory; when it returns, no search begins below the new revision."""

    def settle(self, revision: int) -> None:
        """Note that the file is level at `revision`."""

    def maintain(self) -> None:
        """
        Do what may take long: merge new points, rebuild what is mostly dead, snapshot, check the file.

        Raises:
            StoreDamaged: the file is not sound.
            StoreUnavailable: the disk refused; to be tried again.
        """

    def erase(self) -> None:
        """
        Take what was deleted or replaced out of the file and all that is kept beside it, where it is time.

        Called several times a second, by a thread that does nothing else: a deletion is erased promptly, what
        was only replaced within about a minute, at most a third of the time is spent on it. Afterwards
        `info.erased_revision` says how far it is.

        Raises:
            StoreDamaged: the file is not sound.
            StoreUnavailable: the disk refused, or somebody is reading; to be tried again.
        """

    def close(self) -> None:
        """Wait for searches under way, snapshot what is worth it, and let go of memory and file."""


class CollectionLoader(Protocol):
    """Brings a file's content into memory."""

    def prepared_bytes(self, info: StoreInfo) -> int:
        """Return about how much memory loading takes where a snapshot makes it quick, else 0."""

    def load(self, store: PassageStore) -> Collection:
        """
        Build the collection of a file, from its caches where they are sound.

        Raises:
            StoreDamaged: the file is not sound.
        """


class PastCollections(Protocol):
    """Workspaces as they were at earlier revisions, in memory alone. Safe to use from several threads."""

    def search_each(
        self, workspace_id: WorkspaceId, revision: int, queries: Sequence[SearchQuery], deadline: Deadline
    ) -> list[SearchResult]:
        """
        Answer each question as of a revision, comparing with every vector.

        Raises:
            RevisionNotKept: it is not known any more.
            InvalidArgument: it is yet to come, or a vector has another length than those of then.
            EmbeddingModelMismatch: a vector is of another model than those of then.
            Unavailable: it is being fetched; the next try may find it.
            DeadlineExceeded: the time was over before the end.
        """

    def drop(self, workspace_id: WorkspaceId) -> None:
        """
        Forget all that is kept of a workspace, fetches under way included.

        Something of it was deleted, or is kept from the public by now, which holds for its past, too. When it
        returns, no search begins on what was fetched before.
        """
