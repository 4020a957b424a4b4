"""The change feed service."""

import grpc
from supportagent.knowledge.v1 import change_feed_service_pb2 as pb
from supportagent.knowledge.v1 import change_feed_service_pb2_grpc as rpc

from services.kernel.ids import WorkspaceId
from services.knowledge.api import convert_feed as convert
from services.knowledge.domain.follow_changes import FollowChanges

SERVICE = "supportagent.knowledge.v1.ChangeFeedService"


class ChangeFeedServicer(rpc.ChangeFeedServiceServicer):
    """The feed of all workspaces; replicas call it in nobody's name."""

    def __init__(self, follow: FollowChanges) -> None:
        self._follow = follow

    def SyncReplica(
        self, request: pb.SyncReplicaRequest, context: grpc.ServicerContext
    ) -> pb.SyncReplicaResponse:
        """Renew a replica's lease, take its acknowledgements, tell what it is behind on."""
        news = self._follow.sync(convert.replica(request), request.wait_ms / 1000)
        return convert.sync_response(self._follow.lease_seconds, news)

    def ListChanges(
        self, request: pb.ListChangesRequest, context: grpc.ServicerContext
    ) -> pb.ListChangesResponse:
        """Return the changes of a workspace after a revision."""
        workspace_id = WorkspaceId(request.workspace_id)
        changes = self._follow.changes(
            workspace_id, request.generation, request.after_revision, request.begun_at_revision
        )
        return convert.changes_response(changes)

    def ListPast(self, request: pb.ListPastRequest, context: grpc.ServicerContext) -> pb.ListPastResponse:
        """Return a page of what a workspace's index held at an earlier revision."""
        workspace_id = WorkspaceId(request.workspace_id)
        page = self._follow.past(workspace_id, request.revision, request.page_token)
        return convert.past_response(page)
