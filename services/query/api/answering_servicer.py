"""The operator's RPCs. That it is the operator who calls is the check's doing: the routes demand it."""

import grpc
from supportagent.query.v1 import answering_service_pb2 as pb
from supportagent.query.v1 import answering_service_pb2_grpc as pb_grpc

from services.kernel.ids import WorkspaceId
from services.query.api import convert_answering as convert
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.settings.answering import Answering, AnsweringStore

SERVICE = pb.DESCRIPTOR.services_by_name["AnsweringService"].full_name


class AnsweringServicer(pb_grpc.AnsweringServiceServicer):
    """Workspaces' settings of answering."""

    def __init__(self, store: AnsweringStore, calibrations: Calibrations) -> None:
        self._store = store
        self._calibrations = calibrations

    def GetAnswering(
        self, request: pb.GetAnsweringRequest, context: grpc.ServicerContext
    ) -> pb.GetAnsweringResponse:
        """Return a workspace's settings."""
        workspace = convert.workspace_id(request.workspace_id)
        return pb.GetAnsweringResponse(answering=self._shown(workspace, self._store.get(workspace)))

    def UpdateAnswering(
        self, request: pb.UpdateAnsweringRequest, context: grpc.ServicerContext
    ) -> pb.UpdateAnsweringResponse:
        """Change a workspace's settings."""
        workspace = convert.workspace_id(request.workspace_id)
        changed = self._store.change(workspace, convert.change(request.patch))
        return pb.UpdateAnsweringResponse(answering=self._shown(workspace, changed))

    def _shown(self, workspace: WorkspaceId, settings: Answering) -> pb.Answering:
        bounds = self._calibrations.thresholds(self._calibrations.of(workspace), settings)
        return convert.answering(workspace, settings, bounds)
