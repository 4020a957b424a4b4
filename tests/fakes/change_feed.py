"""The knowledge service's change feed in memory: as a port for the follower, and over gRPC."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as rpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as answers

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.runtime.server import Service
from services.vector_search.domain.changes import (
    Changes,
    ChangeSet,
    Chunk,
    EmbeddingModel,
    Position,
    SyncAnswer,
)
from services.vector_search.domain.passages import Document
from services.vector_search.domain.units import Units


@dataclass
class _Workspace:
    model: EmbeddingModel
    generation: int = 1
    head: int = 0
    # Tombstones up to here are gone.
    forgotten: int = 0
    # The revision and the state of each row; None: deleted.
    documents: dict[str, tuple[int, Document | None]] = field(default_factory=dict)
    chunks: dict[str, tuple[int, Chunk | None]] = field(default_factory=dict)


class FakeChangeFeed:
    """
    Workspaces with their rows as they are now, each with the revision that last changed it.

    As in the real one, a row appears once, at its newest revision, and a deleted document's passages are just
    gone. `down` makes every call fail; `calls` records the names of calls; `page_revisions` is how many
    revisions an answer holds.
    """

    def __init__(
        self,
        *,
        dimensions: int = 8,
        lease_seconds: float = 10.0,
        page_revisions: int = 100,
        max_behind: int = 1000,
    ) -> None:
        self.model = EmbeddingModel("fake-model", dimensions)
        self.lease_seconds = lease_seconds
        self.page_revisions = page_revisions
        self.max_behind = max_behind
        self.down = False
        self.calls: list[str] = []
        self.resets = 0
        # What each report acknowledged.
        self.reports: list[list[Position]] = []
        self.acknowledged: dict[WorkspaceId, Position] = {}
        self._workspaces: dict[WorkspaceId, _Workspace] = {}
        self._news = threading.Condition()

    def write(
        self,
        workspace_id: WorkspaceId,
        *,
        documents: Sequence[Document] = (),
        deleted_documents: Sequence[str] = (),
        chunks: Sequence[Chunk] = (),
        deleted_chunks: Sequence[str] = (),
    ) -> int:
        """Commit one revision and return it."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.head += 1
            for document_id in deleted_documents:
                workspace.documents[document_id] = (workspace.head, None)
                for chunk_id, (_, chunk) in list(workspace.chunks.items()):
                    if chunk is not None and chunk.document_id == document_id:
                        del workspace.chunks[chunk_id]
            for document in documents:
                workspace.documents[document.document_id] = (workspace.head, document)
            for chunk_id in deleted_chunks:
                workspace.chunks[chunk_id] = (workspace.head, None)
            for chunk in chunks:
                workspace.chunks[chunk.chunk_id] = (workspace.head, chunk)
            self._news.notify_all()
            return workspace.head

    def forget_tombstones(self, workspace_id: WorkspaceId) -> None:
        """Drop all tombstones, so that cursors below the head must restart."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.forgotten = workspace.head
            workspace.documents = {k: v for k, v in workspace.documents.items() if v[1] is not None}
            workspace.chunks = {k: v for k, v in workspace.chunks.items() if v[1] is not None}

    def switch_generation(self, workspace_id: WorkspaceId, model: EmbeddingModel) -> None:
        """Begin a new generation, empty, under another model; its rows are written next."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.generation += 1
            workspace.model = model
            workspace.chunks = {}

    def set_model(self, workspace_id: WorkspaceId, model: EmbeddingModel) -> None:
        """Let the model of a workspace become known."""
        with self._news:
            self._workspace(workspace_id).model = model

    def head(self, workspace_id: WorkspaceId) -> int:
        """Return a workspace's newest revision."""
        return self._workspace(workspace_id).head

    def sync(self, acknowledged: Sequence[Position], *, reset: bool, wait_seconds: float) -> SyncAnswer:
        """Take a report and tell what is behind, at once: a test has no time to wait."""
        self._called("sync")
        with self._news:
            self.reports.append(list(acknowledged))
            if reset:
                self.resets += 1
                self.acknowledged.clear()
            self.acknowledged.update({each.workspace_id: each for each in acknowledged})
            behind = self.behind()[: self.max_behind]
        return SyncAnswer(self.lease_seconds, tuple(behind), complete=len(behind) < self.max_behind)

    def await_news(self, seconds: float) -> None:
        """Wait while nothing is behind."""
        with self._news:
            self._news.wait_for(lambda: bool(self.behind()), seconds)

    def changes(self, position: Position) -> Changes:
        """Return what came after a position."""
        self._called("changes")
        with self._news:
            workspace = self._workspace(position.workspace_id)
            if position.revision and position.revision < workspace.forgotten:
                return Changes((), workspace.head, True, workspace.model)
            sets = self._sets(workspace, position.revision)[: self.page_revisions]
            return Changes(tuple(sets), workspace.head, False, workspace.model)

    def _sets(self, workspace: _Workspace, after: int) -> list[ChangeSet]:
        revisions = sorted(
            {revision for revision, _ in (*workspace.documents.values(), *workspace.chunks.values())}
        )
        return [
            ChangeSet(
                revision=revision,
                documents=tuple(d for r, d in workspace.documents.values() if r == revision and d),
                deleted_documents=tuple(
                    key for key, (r, d) in workspace.documents.items() if r == revision and d is None
                ),
                chunks=tuple(c for r, c in workspace.chunks.values() if r == revision and c),
                deleted_chunks=tuple(
                    key for key, (r, c) in workspace.chunks.items() if r == revision and c is None
                ),
            )
            for revision in revisions
            if revision > after
        ]

    def behind(self) -> list[Position]:
        """Return the heads that were not acknowledged."""
        heads = []
        for workspace_id, workspace in self._workspaces.items():
            known = self.acknowledged.get(workspace_id)
            same = known is not None and known.generation == workspace.generation
            if known is None or not same or known.revision < workspace.head:
                heads.append(Position(workspace_id, workspace.generation, workspace.head))
        return heads

    def _workspace(self, workspace_id: WorkspaceId) -> _Workspace:
        return self._workspaces.setdefault(workspace_id, _Workspace(self.model))

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.down:
            raise Unavailable("The feed is down.")


class FakeChangeFeedServicer(rpc.ChangeFeedServiceServicer):
    """Speaks protobuf for a fake feed."""

    def __init__(self, feed: FakeChangeFeed) -> None:
        self._feed = feed
        self.replicas: dict[str, str] = {}

    def SyncReplica(
        self, request: pb.SyncReplicaRequest, context: grpc.ServicerContext
    ) -> pb.SyncReplicaResponse:
        """Take a report."""
        self.replicas[request.replica_id] = request.address
        acknowledged = [
            Position(WorkspaceId(each.workspace_id), each.generation, each.revision)
            for each in request.acknowledged
        ]
        answer = self._feed.sync(acknowledged, reset=request.reset, wait_seconds=0)
        if request.wait_ms and not answer.behind:
            self._feed.await_news(request.wait_ms / 1000)
            answer = self._feed.sync((), reset=False, wait_seconds=0)
        behind = [
            pb.Position(workspace_id=each.workspace_id, generation=each.generation, revision=each.revision)
            for each in answer.behind
        ]
        return pb.SyncReplicaResponse(lease_seconds=answer.lease_seconds, behind=behind)

    def ListChanges(
        self, request: pb.ListChangesRequest, context: grpc.ServicerContext
    ) -> pb.ListChangesResponse:
        """Return changes."""
        asked = Position(WorkspaceId(request.workspace_id), request.generation, request.after_revision)
        changes = self._feed.changes(asked)
        return pb.ListChangesResponse(
            changes=[_message(each) for each in changes.sets],
            head_revision=changes.head_revision,
            restart=changes.restart,
            embedding_model=changes.model.name,
            dimensions=changes.model.dimensions,
        )


def service(servicer: FakeChangeFeedServicer) -> Service:
    """Return the fake's service, ready for a server."""
    return Service(
        "supportagent.knowledge.v1.ChangeFeedService",
        rpc.add_ChangeFeedServiceServicer_to_server,
        servicer,
    )


def _units(units: Units) -> list[pb.Unit]:
    return [
        pb.Unit(
            start=each.start,
            end=each.end,
            kind=each.kind,
            block=each.block,
            heading=each.heading,
            place=each.place,
        )
        for each in answers.Hit.FromString(units.encoded).units
    ]


def _message(changes: ChangeSet) -> pb.ChangeSet:
    documents = [
        pb.DocumentChange(
            document_id=each.document_id,
            title=each.title,
            url=each.url,
            tags=each.tags,
            locale=each.locale,
            audience="authenticated" if each.authenticated else "public",
            active=each.active,
        )
        for each in changes.documents
    ]
    documents += [pb.DocumentChange(document_id=each, deleted=True) for each in changes.deleted_documents]
    chunks = [
        pb.ChunkChange(
            chunk_id=each.chunk_id,
            document_id=each.document_id,
            ordinal=each.ordinal,
            heading_path=each.heading_path,
            text=each.text,
            vector=each.vector.astype("<f4").tobytes(),
            units=_units(each.units),
            unit_vectors=each.units.vectors,
            kind=each.kind,
        )
        for each in changes.chunks
    ]
    chunks += [pb.ChunkChange(chunk_id=each, deleted=True) for each in changes.deleted_chunks]
    return pb.ChangeSet(revision=changes.revision, documents=documents, chunks=chunks)
