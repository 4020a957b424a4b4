"""A knowledge base with an indexer and search replicas under a test's control."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from services.embedding.domain.embedder import Embedder
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.change_feed import Changes, Position, Replica, ReplicaId
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.draft import Said, draft
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.index_documents import Extract, IndexDocuments
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.ports.store import Store
from services.knowledge.domain.queue import IndexerId
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.shown import Shown
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.domain.write_documents import WriteDocuments
from services.knowledge.extraction.extractor import extract
from services.knowledge.storage.store import SqlStore, open_store
from tests.fakes.allowances import FakeAllowances
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.indexing_journal import RecordedJournal

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

    def indexer(
        self,
        name: str = "idx_1",
        *,
        embedder: Embedder | None = None,
        extract: Extract = extract,
        store: Store | None = None,
    ) -> IndexDocuments:
        """Return an indexer of this installation."""
        return IndexDocuments(
            store or self.store,
            self.clock,
            embedder or self.embedder,
            extract,
            self.journal,
            IndexerId(name),
            CLAIM_SECONDS,
        )

    def writer(self, store: Store, stock_changed: Callable[[], None] = lambda: None) -> WriteDocuments:
        """Return what a server process writes with."""
        return WriteDocuments(store, self.clock, self.allowances, stock_changed)

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
        self, *acknowledged: tuple[WorkspaceId, int], name: str = "replica-1", reset: bool = False
    ) -> Replica:
        """Return what a search replica reports."""
        positions = [Position(workspace_id, 1, revision) for workspace_id, revision in acknowledged]
        return Replica(ReplicaId(name), f"{name}:1", positions, reset)

    def sync(
        self, *acknowledged: tuple[WorkspaceId, int], replica: str = "replica-1", reset: bool = False
    ) -> list[Position]:
        """Report as a search replica."""
        return self.follow.sync(self.replica(*acknowledged, name=replica, reset=reset), 0)

    def settle(self, workspace_id: WorkspaceId = WORKSPACE, replica: str = "replica-1") -> None:
        """Let a replica confirm all there is in a workspace."""
        self.sync((workspace_id, self.changes(workspace_id).head_revision), replica=replica)

    def changes(self, workspace_id: WorkspaceId = WORKSPACE, after: int = 0) -> Changes:
        """Return the feed."""
        return self.follow.changes(workspace_id, 1, after)

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
