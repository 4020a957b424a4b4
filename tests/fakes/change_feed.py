"""The knowledge service's change feed in memory: as a port for the follower, and over gRPC."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as rpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as answers

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.runtime.server import Service
from services.vector_search.domain.changes import (
    Acknowledgement,
    Changes,
    ChangeSet,
    Chunk,
    Cursor,
    EmbeddingModel,
    GenerationId,
    Head,
    Position,
    Switch,
    SyncAnswer,
)
from services.vector_search.domain.passages import Document
from services.vector_search.domain.units import Units


@dataclass
class _Generation:
    model: EmbeddingModel
    # The revision and the state of each row; None: deleted.
    chunks: dict[str, tuple[int, Chunk | None]] = field(default_factory=dict)


@dataclass
class _Workspace:
    generations: dict[int, _Generation]
    serving: int = 1
    next: int | None = None
    switch_at: float | None = None
    head: int = 0
    # Tombstones up to here are gone.
    forgotten: int = 0
    # The revision and the state of each row; None: deleted.
    documents: dict[str, tuple[int, Document | None]] = field(default_factory=dict)


class FakeChangeFeed:
    """
    Workspaces with their rows as they are now, each with the revision that last changed it.

    As in the real one, a row appears once, at its newest revision, and a deleted document's passages are just
    gone. `down` makes every call fail; `calls` records the names of calls; `page_revisions` is how many
    revisions an answer holds; `clock` is what switches are set by.
    """

    def __init__(
        self,
        *,
        dimensions: int = 8,
        lease_seconds: float = 10.0,
        page_revisions: int = 100,
        max_behind: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = EmbeddingModel("fake-model", dimensions)
        self.lease_seconds = lease_seconds
        self.page_revisions = page_revisions
        self.max_behind = max_behind
        self.clock = clock
        self.down = False
        self.calls: list[str] = []
        self.resets = 0
        # What each report acknowledged.
        self.reports: list[list[Position]] = []
        # For how long each was ready to wait for news.
        self.waits: list[float] = []
        # What serves, by workspace; `acknowledged_next`: what is held ready.
        # Of the generation that serves, and of the one that is made beside it.
        self.acknowledged: dict[WorkspaceId, Position] = {}
        self.acknowledged_next: dict[WorkspaceId, Position] = {}
        # By workspace, as last reported.
        self.erased: dict[WorkspaceId, int] = {}
        self._workspaces: dict[WorkspaceId, _Workspace] = {}
        self._news = threading.Condition()
        # This one and those of other replicas.
        self._all = [self]

    def of_another_replica(self) -> "FakeChangeFeed":
        """Return the feed of the same workspaces as another replica sees it."""
        other = FakeChangeFeed(
            lease_seconds=self.lease_seconds,
            page_revisions=self.page_revisions,
            max_behind=self.max_behind,
            clock=self.clock,
        )
        other.model = self.model
        other._workspaces, other._news, other._all = self._workspaces, self._news, self._all
        self._all.append(other)
        return other

    def write(
        self,
        workspace_id: WorkspaceId,
        *,
        documents: Sequence[Document] = (),
        deleted_documents: Sequence[str] = (),
        chunks: Sequence[Chunk] = (),
        deleted_chunks: Sequence[str] = (),
        next_chunks: Sequence[Chunk] = (),
    ) -> int:
        """
        Commit one revision and return it.

        `chunks` go into the generation that serves, `next_chunks` into the one beside it, the rest into both.
        """
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.head += 1
            head = workspace.head
            for document_id in deleted_documents:
                workspace.documents[document_id] = (head, None)
            for document in documents:
                workspace.documents[document.document_id] = (head, document)
            for number, generation in workspace.generations.items():
                rows = generation.chunks
                for document_id in deleted_documents:
                    for chunk_id, (_, chunk) in list(rows.items()):
                        if chunk is not None and chunk.document_id == document_id:
                            del rows[chunk_id]
                for chunk_id in deleted_chunks:
                    rows[chunk_id] = (head, None)
                new = {workspace.serving: chunks, workspace.next: next_chunks}.get(number, ())
                rows.update({chunk.chunk_id: (head, chunk) for chunk in new})
            self._news.notify_all()
            return head

    def forget_tombstones(self, workspace_id: WorkspaceId) -> None:
        """Drop all tombstones, so that cursors below the head must restart."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.forgotten = workspace.head
            workspace.documents = {k: v for k, v in workspace.documents.items() if v[1] is not None}
            for each in workspace.generations.values():
                each.chunks = {k: v for k, v in each.chunks.items() if v[1] is not None}

    def set_model(self, workspace_id: WorkspaceId, model: EmbeddingModel) -> None:
        """Let the model of a workspace become known."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.generations[workspace.serving].model = model

    def begin_reindex(self, workspace_id: WorkspaceId, model: EmbeddingModel | None = None) -> int:
        """Begin a generation beside the one that serves, empty, and return its number."""
        with self._news:
            workspace = self._workspace(workspace_id)
            workspace.next = max(workspace.generations) + 1
            workspace.generations[workspace.next] = _Generation(model or self.model)
            self._news.notify_all()
            return workspace.next

    def begin_rollback(self, workspace_id: WorkspaceId, generation: int) -> None:
        """Have an earlier generation made ready again."""
        with self._news:
            self._workspace(workspace_id).next = generation
            self._news.notify_all()

    def cancel_reindex(self, workspace_id: WorkspaceId) -> None:
        """Drop the generation that is being made."""
        with self._news:
            workspace = self._workspace(workspace_id)
            assert workspace.next is not None
            assert workspace.switch_at is None, "a switch is never taken back"
            del workspace.generations[workspace.next]
            workspace.next = None
            for each in self._all:
                each.acknowledged_next.pop(workspace_id, None)

    def set_switch(self, workspace_id: WorkspaceId, after_seconds: float) -> None:
        """Tell everybody when the workspace goes over."""
        with self._news:
            self._workspace(workspace_id).switch_at = self.clock() + after_seconds
            self._news.notify_all()

    def make_switch(self, workspace_id: WorkspaceId) -> None:
        """Have the next generation serve from now on; the one before is kept."""
        with self._news:
            workspace = self._workspace(workspace_id)
            assert workspace.next is not None
            workspace.serving, workspace.next, workspace.switch_at = workspace.next, None, None
            for each in self._all:
                each.acknowledged.pop(workspace_id, None)
                if workspace_id in each.acknowledged_next:
                    each.acknowledged[workspace_id] = each.acknowledged_next.pop(workspace_id)

    def head(self, workspace_id: WorkspaceId) -> int:
        """Return a workspace's newest revision."""
        return self._workspace(workspace_id).head

    def sync(
        self, acknowledged: Sequence[Acknowledgement], *, reset: bool, wait_seconds: float
    ) -> SyncAnswer:
        """Take a report and tell what is behind, at once: a test has no time to wait."""
        self._called("sync")
        with self._news:
            self.reports.append([each.position for each in acknowledged])
            self.waits.append(wait_seconds)
            if reset:
                self.resets += 1
                self.acknowledged.clear()
                self.acknowledged_next.clear()
            for each in acknowledged:
                self._acknowledge(each)
            behind = self.behind()[: self.max_behind]
            made = {name: each for name, each in self._workspaces.items() if each.next is not None}
            return SyncAnswer(
                self.lease_seconds,
                tuple(behind),
                complete=len(behind) < self.max_behind,
                switches=tuple(
                    Switch(GenerationId(name, each.next or 0), each.switch_at - self.clock())
                    for name, each in made.items()
                    if each.switch_at is not None
                ),
                next=frozenset(GenerationId(name, each.next or 0) for name, each in made.items()),
            )

    def await_news(self, seconds: float) -> None:
        """Wait while nothing is behind."""
        with self._news:
            self._news.wait_for(lambda: bool(self.behind()), seconds)

    def changes(self, cursor: Cursor) -> Changes:
        """Return what came after a cursor."""
        self._called("changes")
        position = cursor.position
        with self._news:
            workspace = self._workspace(position.workspace_id)
            generation = workspace.generations.get(position.generation)
            if generation is None or position.generation not in (workspace.serving, workspace.next):
                return Changes((), workspace.head, True, EmbeddingModel("", 0))
            if position.revision and max(position.revision, cursor.begun_at) < workspace.forgotten:
                return Changes((), workspace.head, True, generation.model)
            sets = self._sets(workspace, generation, position.revision)[: self.page_revisions]
            if not sets and position.revision < workspace.head:
                sets = [ChangeSet(workspace.head)]
            return Changes(tuple(sets), workspace.head, False, generation.model)

    def _sets(self, workspace: _Workspace, generation: _Generation, after: int) -> list[ChangeSet]:
        documents, chunks = workspace.documents, generation.chunks
        revisions = sorted({revision for revision, _ in (*documents.values(), *chunks.values())})
        return [
            ChangeSet(
                revision=revision,
                documents=tuple(d for r, d in documents.values() if r == revision and d),
                deleted_documents=tuple(
                    key for key, (r, d) in documents.items() if r == revision and d is None
                ),
                chunks=tuple(c for r, c in chunks.values() if r == revision and c),
                deleted_chunks=tuple(key for key, (r, c) in chunks.items() if r == revision and c is None),
            )
            for revision in revisions
            if revision > after
        ]

    def behind(self) -> list[Head]:
        """Return the heads that were not acknowledged."""
        heads = []
        for workspace_id, workspace in self._workspaces.items():
            for generation, known in (
                (workspace.serving, self.acknowledged.get(workspace_id)),
                (workspace.next, self.acknowledged_next.get(workspace_id)),
            ):
                if generation is not None and (known.revision if known else 0) < workspace.head:
                    position = Position(workspace_id, generation, workspace.head)
                    heads.append(Head(position, is_next=generation == workspace.next))
        return heads

    def _acknowledge(self, acknowledgement: Acknowledgement) -> None:
        position = acknowledgement.position
        workspace = self._workspaces.get(position.workspace_id)
        self.erased[position.workspace_id] = acknowledgement.erased_revision
        if workspace is not None and position.generation == workspace.serving:
            self.acknowledged[position.workspace_id] = position
        elif workspace is not None and position.generation == workspace.next:
            self.acknowledged_next[position.workspace_id] = position

    def _workspace(self, workspace_id: WorkspaceId) -> _Workspace:
        return self._workspaces.setdefault(workspace_id, _Workspace({1: _Generation(self.model)}))

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
            Acknowledgement(
                Position(WorkspaceId(each.workspace_id), each.generation, each.revision), each.erased_revision
            )
            for each in request.acknowledged
        ]
        answer = self._feed.sync(acknowledged, reset=request.reset, wait_seconds=0)
        if request.wait_ms and not answer.behind:
            self._feed.await_news(request.wait_ms / 1000)
            answer = self._feed.sync((), reset=False, wait_seconds=0)
        return pb.SyncReplicaResponse(
            lease_seconds=answer.lease_seconds,
            behind=[
                pb.Position(
                    workspace_id=each.position.workspace_id,
                    generation=each.position.generation,
                    revision=each.position.revision,
                    next=each.is_next,
                )
                for each in answer.behind
            ],
            switches=[
                pb.GenerationSwitch(
                    workspace_id=each.generation_id.workspace_id,
                    generation=each.generation_id.generation,
                    after_seconds=each.after_seconds,
                )
                for each in answer.switches
            ],
            next=[
                pb.Position(workspace_id=each.workspace_id, generation=each.generation, next=True)
                for each in answer.next
            ],
        )

    def ListChanges(
        self, request: pb.ListChangesRequest, context: grpc.ServicerContext
    ) -> pb.ListChangesResponse:
        """Return changes."""
        asked = Position(WorkspaceId(request.workspace_id), request.generation, request.after_revision)
        changes = self._feed.changes(Cursor(asked, request.begun_at_revision))
        return pb.ListChangesResponse(
            changes=[_message(each) for each in changes.sets],
            head_revision=changes.head_revision,
            restart=changes.restart,
            embedding_model=changes.model.name,
            dimensions=changes.model.dimensions,
        )

    def ListPast(self, request: pb.ListPastRequest, context: grpc.ServicerContext) -> pb.ListPastResponse:
        """Keep nothing of the past."""
        context.abort(grpc.StatusCode.NOT_FOUND, "nothing is kept")


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
