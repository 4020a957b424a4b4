"""A change feed made for volume: a log of revisions whose messages are made when they are asked for."""

import threading
from dataclasses import dataclass

import grpc
import numpy as np
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as rpc

from services.runtime.server import Service
from tests.bench.data import DIMENSIONS, Data, Ids, Matrix

WORKSPACE = "ws_bench"
_MODEL = "bench"
_LEASE_SECONDS = 30.0
_PAGE_REVISIONS = 20
_DOCUMENT_POINTS = 10
# The label of the documents that a filter keeps, and their share.
SHARES = {"half": 0.5, "tenth": 0.1, "hundredth": 0.01, "thousandth": 0.001}


@dataclass(frozen=True)
class _Revision:
    points: Ids
    vectors: Matrix


class BenchFeed:
    """
    The points of a data set as passages `0`, `1`, … of documents of ten.

    It keeps a position for every replica. Unlike the real feed it repeats a row that changed twice, which a
    replica can't tell from a slow reader.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._log: list[_Revision] = []
        # By replica.
        self._acknowledged: dict[str, int] = {}
        self._news = threading.Condition()
        documents = -(-data.size // _DOCUMENT_POINTS)
        luck = np.random.default_rng(3).permutation(documents)
        kept = {label: max(2, round(share * documents)) for label, share in SHARES.items()}
        self._tags = [[label for label, least in kept.items() if each < least] for each in luck.tolist()]

    @property
    def head(self) -> int:
        """The newest revision."""
        return len(self._log)

    def write(self, points: Ids, vectors: Matrix) -> None:
        """Put passages, new or changed, in one revision."""
        with self._news:
            self._log.append(_Revision(points, vectors))
            self._news.notify_all()

    def tagged(self, label: str) -> Ids:
        """Return the points of the documents that have a label."""
        documents = [number for number, tags in enumerate(self._tags) if label in tags]
        points = np.add.outer(np.array(documents) * _DOCUMENT_POINTS, np.arange(_DOCUMENT_POINTS)).ravel()
        return np.sort(points[points < self._data.size])

    def sync(self, request: pb.SyncReplicaRequest) -> pb.SyncReplicaResponse:
        """Take a report; wait for news."""
        with self._news:
            if request.reset or request.replica_id not in self._acknowledged:
                self._acknowledged[request.replica_id] = 0
            for each in request.acknowledged:
                self._acknowledged[request.replica_id] = each.revision
            present = self._acknowledged[request.replica_id]
            self._news.wait_for(lambda: present < self.head, request.wait_ms / 1000)
            head = pb.Position(workspace_id=WORKSPACE, generation=1, revision=self.head)
            behind = [head] if present < self.head else []
        return pb.SyncReplicaResponse(lease_seconds=_LEASE_SECONDS, behind=behind)

    def changes(self, after: int) -> pb.ListChangesResponse:
        """Return about 4 MB of changes."""
        found = self._log[after : after + _PAGE_REVISIONS]
        sets = [self._message(after + 1 + place, each) for place, each in enumerate(found)]
        return pb.ListChangesResponse(
            changes=sets, head_revision=self.head, embedding_model=_MODEL, dimensions=DIMENSIONS
        )

    def _message(self, number: int, revision: _Revision) -> pb.ChangeSet:
        documents = [
            pb.DocumentChange(
                document_id=f"doc_{each}",
                title=self._data.bases[each % len(self._data.bases)][:60],
                url=f"https://example.com/{each}",
                tags=self._tags[each],
                audience="public",
                active=True,
            )
            for each in np.unique(revision.points // _DOCUMENT_POINTS).tolist()
        ]
        chunks = [
            pb.ChunkChange(
                chunk_id=str(point),
                document_id=f"doc_{point // _DOCUMENT_POINTS}",
                ordinal=point % _DOCUMENT_POINTS,
                heading_path=["Help"],
                text=self._data.text(point),
                vector=vector.astype("<f4").tobytes(),
                kind="passage",
            )
            for point, vector in zip(revision.points.tolist(), revision.vectors, strict=True)
        ]
        return pb.ChangeSet(revision=number, documents=documents, chunks=chunks)


class _Servicer(rpc.ChangeFeedServiceServicer):
    def __init__(self, feed: BenchFeed) -> None:
        self._feed = feed

    def SyncReplica(
        self, request: pb.SyncReplicaRequest, context: grpc.ServicerContext
    ) -> pb.SyncReplicaResponse:
        return self._feed.sync(request)

    def ListChanges(
        self, request: pb.ListChangesRequest, context: grpc.ServicerContext
    ) -> pb.ListChangesResponse:
        return self._feed.changes(request.after_revision)

    def ListPast(self, request: pb.ListPastRequest, context: grpc.ServicerContext) -> pb.ListPastResponse:
        context.abort(grpc.StatusCode.NOT_FOUND, "nothing is kept")


def service(feed: BenchFeed) -> Service:
    """Return the feed's service, ready for a server."""
    return Service(
        "supportagent.knowledge.v1.ChangeFeedService",
        rpc.add_ChangeFeedServiceServicer_to_server,
        _Servicer(feed),
    )
