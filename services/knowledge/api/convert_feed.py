"""The change feed to and from messages."""

from supportagent.knowledge.v1 import change_feed_service_pb2 as pb

from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.change_feed import (
    Changes,
    ChangeSet,
    ChunkChange,
    DocumentChange,
    Head,
    News,
    Position,
    Replica,
    ReplicaId,
)
from services.knowledge.domain.past import PastPage
from services.knowledge.domain.units.unit import Unit
from services.runtime.timestamps import timestamp


def replica(request: pb.SyncReplicaRequest) -> Replica:
    """Return what a replica reports; raise InvalidArgument where it does not say who it is."""
    if not request.replica_id:
        raise InvalidArgument.of([Violation("/replica_id", "must not be empty")])
    return Replica(
        id=ReplicaId(request.replica_id),
        address=request.address,
        acknowledged=[
            Position(WorkspaceId(each.workspace_id), each.generation, each.revision, each.erased_revision)
            for each in request.acknowledged
        ],
        reset=request.reset,
    )


def sync_response(lease_seconds: float, news: News) -> pb.SyncReplicaResponse:
    """Return what a replica may do and should fetch."""
    return pb.SyncReplicaResponse(
        lease_seconds=lease_seconds,
        behind=[_head(each) for each in news.behind],
        switches=[
            pb.GenerationSwitch(
                workspace_id=each.workspace_id,
                generation=each.generation,
                after_seconds=(each.at - news.told_at).total_seconds(),
            )
            for each in news.switches
        ],
        next=[_head(each) for each in news.next],
    )


def _head(head: Head) -> pb.Position:
    return pb.Position(
        workspace_id=head.workspace_id, generation=head.generation, revision=head.revision, next=head.next
    )


def changes_response(changes: Changes) -> pb.ListChangesResponse:
    """Return a stretch of the feed."""
    return pb.ListChangesResponse(
        changes=[_set(each) for each in changes.sets],
        head_revision=changes.head_revision,
        restart=changes.restart,
        embedding_model=changes.embedding_model,
        dimensions=changes.dimensions,
    )


def past_response(page: PastPage) -> pb.ListPastResponse:
    """Return a page of an earlier state."""
    return pb.ListPastResponse(
        documents=[_document(each) for each in page.documents],
        chunks=[_chunk(each) for each in page.chunks],
        next_page_token=page.next_token,
        generation=page.generation.number,
        embedding_model=page.generation.embedding_model,
        dimensions=page.generation.dimensions,
    )


def _set(changes: ChangeSet) -> pb.ChangeSet:
    gone_documents = [pb.DocumentChange(document_id=each, deleted=True) for each in changes.gone_documents]
    gone_chunks = [pb.ChunkChange(chunk_id=each, deleted=True) for each in changes.gone_chunks]
    return pb.ChangeSet(
        revision=changes.revision,
        documents=[*map(_document, changes.documents), *gone_documents],
        chunks=[*map(_chunk, changes.chunks), *gone_chunks],
    )


def _document(change: DocumentChange) -> pb.DocumentChange:
    return pb.DocumentChange(
        document_id=change.document_id,
        title=change.title,
        url=change.url,
        tags=change.tags,
        locale=change.locale,
        audience=change.audience,
        active=change.active,
        updated_at=timestamp(change.updated_at),
    )


def _chunk(change: ChunkChange) -> pb.ChunkChange:
    return pb.ChunkChange(
        chunk_id=change.chunk_id,
        document_id=change.document_id,
        ordinal=change.ordinal,
        heading_path=change.heading_path,
        text=change.text,
        vector=change.vector,
        units=[_unit(each) for each in change.units],
        unit_vectors=change.unit_vectors,
        kind=change.kind,
    )


def _unit(unit: Unit) -> pb.Unit:
    return pb.Unit(
        start=unit.start,
        end=unit.end,
        kind=unit.kind,
        block=unit.block,
        heading=unit.heading,
        place=unit.place,
    )
