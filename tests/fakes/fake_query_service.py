"""A query service that answers at once and remembers what it was asked."""

from collections.abc import Iterator
from typing import Any

import grpc
from supportagent.query.v1 import answering_service_pb2 as answering_pb
from supportagent.query.v1 import answering_service_pb2_grpc as answering_grpc
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1 import query_service_pb2_grpc as pb_grpc

from services.runtime.server import Service
from tests.fakes.recorded_calls import RecordedCalls

NAME = "supportagent.query.v1.QueryService"
ANSWERING = "supportagent.query.v1.AnsweringService"


class FakeQueryService(pb_grpc.QueryServiceServicer, answering_grpc.AnsweringServiceServicer):
    """Implements the real protos; `calls` is for the tests."""

    def __init__(self) -> None:
        self.calls = RecordedCalls()

    def service(self) -> Service:
        """Return how it joins a server."""
        return Service(NAME, pb_grpc.add_QueryServiceServicer_to_server, self)

    def services(self) -> list[Service]:
        """Return how it joins a server that answers the operator too."""
        return [
            self.service(),
            Service(ANSWERING, answering_grpc.add_AnsweringServiceServicer_to_server, self),
        ]

    def Query(self, request: pb.QueryRequest, context: grpc.ServicerContext) -> Any:
        """Answer without a source."""
        return self.calls.serve("Query", request, context, lambda r, c: unanswered(r.message))

    def StreamQuery(self, request: pb.StreamQueryRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        """Stream a short answer."""
        events = self.calls.serve("StreamQuery", request, context, lambda r, c: stream(r.message))
        yield from events

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> Any:
        """Find nothing."""
        return self.calls.serve(
            "Search", request, context, lambda r, c: pb.SearchResponse(knowledge_revision=7)
        )

    def GetCalibration(self, request: pb.GetCalibrationRequest, context: grpc.ServicerContext) -> Any:
        """Have measured nothing."""
        return self.calls.serve(
            "GetCalibration",
            request,
            context,
            lambda r, c: pb.GetCalibrationResponse(calibration=pb.Calibration(origin="shipped")),
        )

    def GetAnswering(self, request: answering_pb.GetAnsweringRequest, context: grpc.ServicerContext) -> Any:
        """Have the settings of no one set."""
        return self.calls.serve(
            "GetAnswering",
            request,
            context,
            lambda r, c: answering_pb.GetAnsweringResponse(
                answering=answering_pb.Answering(workspace_id=r.workspace_id)
            ),
        )

    def UpdateAnswering(
        self, request: answering_pb.UpdateAnsweringRequest, context: grpc.ServicerContext
    ) -> Any:
        """Change nothing."""
        return self.calls.serve(
            "UpdateAnswering",
            request,
            context,
            lambda r, c: answering_pb.UpdateAnsweringResponse(
                answering=answering_pb.Answering(workspace_id=r.workspace_id)
            ),
        )

    def CheckReadiness(self, request: pb.CheckReadinessRequest, context: grpc.ServicerContext) -> Any:
        """Be ready."""
        return self.calls.serve(
            "CheckReadiness",
            request,
            context,
            lambda r, c: pb.CheckReadinessResponse(status="ready", checks={"vector_search": "ready"}),
        )


def unanswered(message: str) -> pb.QueryResponse:
    """Return an answer in which most fields have their defaults."""
    return pb.QueryResponse(
        answer=f"You asked: {message}", reason="NO_RELEVANT_SOURCE", answerer="extractive"
    )


def stream(message: str) -> Iterator[pb.StreamQueryResponse]:
    """Yield the events of a good stream."""
    yield pb.StreamQueryResponse(sources=pb.Sources(items=[pb.Source(index=1, title="Refunds")]))
    yield pb.StreamQueryResponse(delta=pb.Delta(text="You asked: "))
    yield pb.StreamQueryResponse(delta=pb.Delta(text=message))
    yield pb.StreamQueryResponse(completed=unanswered(message))
