"""The change feed of the knowledge service."""

from collections.abc import Sequence

import grpc
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as rpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as answers

from services.kernel.ids import WorkspaceId
from services.runtime.channel import call
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
from services.vector_search.domain.errors import ChangesRefused
from services.vector_search.domain.passages import Document
from services.vector_search.domain.past import Moment, PastPage
from services.vector_search.domain.units import Units
from services.vector_search.domain.vectors import NotAVector, unit_vector

# Answers hold about 4 MB, but always a whole revision, which a large document can exceed.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_MAX_BEHIND = 1000
_SYNC_SECONDS = 3.0
# Less than a lease, which the same thread renews.
_CHANGES_SECONDS = 8.0


class GrpcChangeFeed:
    """The feed port over a channel."""

    def __init__(self, channel: grpc.Channel, replica_id: str, address: str) -> None:
        """`address` is where others reach this replica's search service, host:port."""
        self._stub = rpc.ChangeFeedServiceStub(channel)
        self._replica_id = replica_id
        self._address = address

    def sync(
        self, acknowledged: Sequence[Acknowledgement], *, reset: bool, wait_seconds: float
    ) -> SyncAnswer:
        """Renew the lease and acknowledge."""
        request = pb.SyncReplicaRequest(
            replica_id=self._replica_id,
            address=self._address,
            acknowledged=[
                pb.Position(
                    workspace_id=each.position.workspace_id,
                    generation=each.position.generation,
                    revision=each.position.revision,
                    erased_revision=each.erased_revision,
                )
                for each in acknowledged
            ],
            reset=reset,
            wait_ms=int(wait_seconds * 1000),
        )
        answer = call(self._stub.SyncReplica, request, timeout=_SYNC_SECONDS + wait_seconds)
        return SyncAnswer(
            answer.lease_seconds,
            tuple(Head(_position(each), each.next) for each in answer.behind),
            complete=len(answer.behind) < _MAX_BEHIND,
            switches=tuple(
                Switch(GenerationId(WorkspaceId(each.workspace_id), each.generation), each.after_seconds)
                for each in answer.switches
            ),
            next=frozenset(_position(each).generation_id for each in answer.next),
        )

    def changes(self, cursor: Cursor) -> Changes:
        """Return what came after a cursor."""
        position = cursor.position
        request = pb.ListChangesRequest(
            workspace_id=position.workspace_id,
            generation=position.generation,
            after_revision=position.revision,
            begun_at_revision=cursor.begun_at,
        )
        answer = call(self._stub.ListChanges, request, timeout=_CHANGES_SECONDS)
        return Changes(
            sets=tuple(_change_set(each, answer.dimensions) for each in answer.changes),
            head_revision=answer.head_revision,
            restart=answer.restart,
            model=EmbeddingModel(answer.embedding_model, answer.dimensions),
        )

    def past(self, moment: Moment, page: str) -> PastPage:
        """Return some of what a workspace held at a revision."""
        request = pb.ListPastRequest(
            workspace_id=moment.workspace_id, revision=moment.revision, page_token=page
        )
        answer = call(self._stub.ListPast, request, timeout=_CHANGES_SECONDS)
        return PastPage(
            generation=answer.generation,
            model=EmbeddingModel(answer.embedding_model, answer.dimensions),
            documents=tuple(map(_document, answer.documents)),
            chunks=tuple(_chunk(each, answer.dimensions) for each in answer.chunks),
            next_page=answer.next_page_token,
        )


def _position(message: pb.Position) -> Position:
    return Position(WorkspaceId(message.workspace_id), message.generation, message.revision)


def _change_set(message: pb.ChangeSet, dimensions: int) -> ChangeSet:
    return ChangeSet(
        revision=message.revision,
        documents=tuple(_document(each) for each in message.documents if not each.deleted),
        deleted_documents=tuple(each.document_id for each in message.documents if each.deleted),
        chunks=tuple(_chunk(each, dimensions) for each in message.chunks if not each.deleted),
        deleted_chunks=tuple(each.chunk_id for each in message.chunks if each.deleted),
    )


def _document(message: pb.DocumentChange) -> Document:
    return Document(
        document_id=message.document_id,
        title=message.title,
        url=message.url,
        tags=tuple(message.tags),
        locale=message.locale,
        # Whatever is not plainly public is kept from the public.
        authenticated=message.audience != "public",
        active=message.active,
    )


def _chunk(message: pb.ChunkChange, dimensions: int) -> Chunk:
    try:
        vector = unit_vector(message.vector)
    except NotAVector as error:
        raise ChangesRefused(f"the vector of {message.chunk_id} {error}") from None
    if len(vector) != dimensions:
        raise ChangesRefused(f"the vector of {message.chunk_id} has {len(vector)} values, not {dimensions}")
    return Chunk(
        chunk_id=message.chunk_id,
        document_id=message.document_id,
        ordinal=message.ordinal,
        heading_path=tuple(message.heading_path),
        text=message.text,
        vector=vector,
        units=_units(message, dimensions),
        kind=message.kind,
    )


def _units(message: pb.ChunkChange, dimensions: int) -> Units:
    if len(message.unit_vectors) != len(message.units) * dimensions:
        raise ChangesRefused(
            f"the unit vectors of {message.chunk_id} have {len(message.unit_vectors)} values, "
            f"not {dimensions} for each of {len(message.units)} units"
        )
    # As fields of a hit, since that is all that ever becomes of them.
    fields = answers.Hit(
        units=[
            answers.Unit(
                start=each.start,
                end=each.end,
                kind=each.kind,
                block=each.block,
                heading=each.heading,
                place=each.place,
            )
            for each in message.units
        ]
    )
    return Units(fields.SerializeToString(), message.unit_vectors)
