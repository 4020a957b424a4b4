"""A knowledge base with an indexer and search replicas under a test's control."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from services.embedding.domain.embedder import Embedder
from services.embedding.domain.embedders import Embedders
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.change_feed import Changes, Head, Position, Replica, ReplicaId
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.draft import Said, draft
from services.knowledge.domain.erasing import EraseDeleted
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.index_documents import IndexDocuments
from services.knowledge.domain.indexing.preparing import Extract
from services.knowledge.domain.lost_documents import LostDocuments
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import IndexerId
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.reindexing import Reindexing
from services.knowledge.domain.shown import Shown
from services.knowledge.domain.switching import Switching
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.domain.write_documents import WriteDocuments
from services.knowledge.extraction.extractor import extract
from services.knowledge.storage.store import SqlStore, open_store
from tests.fakes.allowances import FakeAllowances
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.indexing_journal import RecordedJournal
from tests.fakes.kept_answers import FakeKeptAnswers

WORKSPACE = WorkspaceId("ws_one")
OTHER = WorkspaceId("ws_two")
CLAIM_SECONDS = 15.0
LEASE_SECONDS = 10.0


class Workshop:
    """All of the knowledge service but its processes."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self.clock = FakeClock(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
        self.store: SqlStore = open_store(database_url, self.clock)
        self.embedder = FakeEmbedder(dimensions=8)
        self.journal = RecordedJournal()
        self.allowances = FakeAllowances()
        self.write = self.writer(self.store)
        self.read = ReadDocuments(self.store, self.clock)
        self.operations = TrackOperations(self.store, self.clock)
        self.follow = FollowChanges(self.store, self.clock, LEASE_SECONDS, sleep=lambda _: None)
        self.reindexing = self.reindexer(self.embedder)
        self.switching = self.switcher(self.store)
        self.answers = FakeKeptAnswers()
        self.erasing = self.eraser(self.store)

    def indexer(
        self,
        name: str = "idx_1",
        *,
        embedder: Embedder | None = None,
        others: Sequence[Embedder] = (),
        extract: Extract = extract,
        store: Store | None = None,
    ) -> IndexDocuments:
        """Return an indexer of this installation."""
        return IndexDocuments(
            store or self.store,
            self.clock,
            Embedders(embedder or self.embedder, others),
            extract,
            self.journal,
            IndexerId(name),
            CLAIM_SECONDS,
        )

    def writer(self, store: Store, stock_changed: Callable[[], None] = lambda: None) -> WriteDocuments:
        """Return what a server process writes with."""
        return WriteDocuments(store, self.clock, self.allowances, stock_changed)

    def reindexer(self, embedder: Embedder, store: Store | None = None) -> Reindexing:
        """Return what a server process of this present model begins re-indexes with."""
        return Reindexing(store or self.store, self.clock, embedder.model, embedder.dimensions)

    def switcher(self, store: Store) -> Switching:
        """Return what a server process ends re-indexes with."""
        return Switching(store, self.clock, LEASE_SECONDS, [LostDocuments(store)])

    def eraser(self, store: Store) -> EraseDeleted:
        """Return what a server process sees deletions through with; it never rests."""
        return EraseDeleted(store, self.clock, self.answers, seconds=lambda: 0.0)

    def follower(self, store: Store) -> FollowChanges:
        """Return what a server process serves replicas with."""
        return FollowChanges(store, self.clock, LEASE_SECONDS, sleep=lambda _: None)

    def index(self, limit: int = 100) -> int:
        """Index what waits; return how many documents that were."""
        return self.indexer().run(limit, lambda: False)

    def create(self, said: Said | None = None, workspace_id: WorkspaceId = WORKSPACE) -> Document:
        """Create a document."""
        made: list[Shown] = []
        self.write.create(workspace_id, draft(said or page()), None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
        return made[0].document

    def push(self, *said: Said, workspace_id: WorkspaceId = WORKSPACE) -> Operation:
        """Push a batch."""
        made: list[Operation] = []
        documents = [Proposed(each.external_id, draft(each)) for each in said]
        self.write.batch(workspace_id, documents, None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
        return made[0]

    def replica(
        self,
        *acknowledged: tuple[WorkspaceId, int],
        name: str = "replica-1",
        reset: bool = False,
        erased: int | None = None,
    ) -> Replica:
        """Return what a search replica reports; it has `erased` what was gone by then, or all it knows of."""
        positions = [
            Position(workspace_id, 1, revision, revision if erased is None else erased)
            for workspace_id, revision in acknowledged
        ]
        return Replica(ReplicaId(name), f"{name}:1", positions, reset)

    def sync(
        self, *acknowledged: tuple[WorkspaceId, int], replica: str = "replica-1", reset: bool = False
    ) -> Sequence[Head]:
        """Report as a search replica of generation 1; return what it is behind on."""
        return self.follow.sync(self.replica(*acknowledged, name=replica, reset=reset), 0).behind

    def settle(self, workspace_id: WorkspaceId = WORKSPACE, replica: str = "replica-1") -> None:
        """Let a replica confirm all there is in a workspace."""
        self.sync((workspace_id, self.changes(workspace_id).head_revision), replica=replica)

    def changes(
        self, workspace_id: WorkspaceId = WORKSPACE, after: int = 0, generation: int = 1, begun_at: int = 0
    ) -> Changes:
        """Return the feed."""
        return self.follow.changes(workspace_id, generation, after, begun_at)

    def reindex(self, *ids: DocumentId, workspace_id: WorkspaceId = WORKSPACE) -> Operation:
        """Begin a re-index."""
        made: list[Operation] = []
        self.reindexing.start(workspace_id, ids, None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
        return made[0]

    def roll_back(self, workspace_id: WorkspaceId = WORKSPACE) -> Operation:
        """Begin to go back to the generation before."""
        made: list[Operation] = []
        self.reindexing.roll_back(workspace_id, None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
        return made[0]

    def document(self, document_id: DocumentId, workspace_id: WorkspaceId = WORKSPACE) -> Document:
        """Return a document as it is now."""
        return self.read.get(workspace_id, document_id).document

    def indexed(self, said: Said | None = None, workspace_id: WorkspaceId = WORKSPACE) -> Document:
        """Create a document and see it through to the end."""
        created = self.create(said, workspace_id)
        self.index()
        self.settle(workspace_id)
        return self.document(created.id, workspace_id)


def page(
    external_id: str = "",
    content: str = "Your plan renews on the third.",
    title: str = "Renewal",
    tags: Sequence[str] = (),
    active: bool | None = None,
) -> Said:
    """Return a small document."""
    return Said(external_id=external_id, title=title, content=content, tags=tuple(tags), active=active)
