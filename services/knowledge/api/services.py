"""What the knowledge server serves."""

from supportagent.knowledge.v1 import (
    change_feed_service_pb2_grpc,
    document_service_pb2_grpc,
    index_service_pb2_grpc,
    operation_service_pb2_grpc,
    reindex_service_pb2_grpc,
)

from services.knowledge.api import (
    change_feed_servicer,
    document_servicer,
    index_servicer,
    operation_servicer,
    reindex_servicer,
)
from services.knowledge.domain.follow_changes import FollowChanges
from services.knowledge.domain.read_documents import ReadDocuments
from services.knowledge.domain.reindexing import Reindexing
from services.knowledge.domain.track_operations import TrackOperations
from services.knowledge.domain.write_documents import WriteDocuments
from services.runtime.server import Service

# Documents of up to 10 MiB in base64; one revision of the change feed may be larger than the usual 4 MB.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024


def knowledge_services(
    write: WriteDocuments,
    read: ReadDocuments,
    operations: TrackOperations,
    follow: FollowChanges,
    reindexing: Reindexing,
) -> list[Service]:
    """Return the services of the server."""
    return [
        Service(
            document_servicer.SERVICE,
            document_service_pb2_grpc.add_DocumentServiceServicer_to_server,
            document_servicer.DocumentServicer(write, read),
        ),
        Service(
            operation_servicer.SERVICE,
            operation_service_pb2_grpc.add_OperationServiceServicer_to_server,
            operation_servicer.OperationServicer(operations),
        ),
        Service(
            index_servicer.SERVICE,
            index_service_pb2_grpc.add_IndexServiceServicer_to_server,
            index_servicer.IndexServicer(read),
        ),
        Service(
            reindex_servicer.SERVICE,
            reindex_service_pb2_grpc.add_ReindexServiceServicer_to_server,
            reindex_servicer.ReindexServicer(reindexing),
        ),
        Service(
            change_feed_servicer.SERVICE,
            change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server,
            change_feed_servicer.ChangeFeedServicer(follow),
        ),
    ]
