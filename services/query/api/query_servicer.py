"""The RPCs that answer questions."""

from collections.abc import Iterator

import grpc
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1 import query_service_pb2_grpc as pb_grpc

from services.kernel.errors import DeadlineExceeded
from services.query.api import convert
from services.query.api.convert_calibration import calibration_response
from services.query.api.metering import Metering
from services.query.api.once import Once
from services.query.domain.asking import Asking, Completed, Delta
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.readiness import READY, Readiness
from services.query.domain.settings.answering import AnsweringSettings
from services.runtime.call import seconds_left
from services.runtime.interceptors.caller import caller
from services.runtime.interceptors.errors import foreseen

SERVICE = pb.DESCRIPTOR.services_by_name["QueryService"].full_name

# What it takes to tell a caller that its time is up while it still listens.
_LAST_WORD_SECONDS = 0.05
# What it takes to store a turn while the conversations service hangs, and to tell the answer.
_TELLING_SECONDS = 1.0


class QueryServicer(pb_grpc.QueryServiceServicer):
    """Questions in, answers out."""

    def __init__(
        self,
        asking: Asking,
        readiness: Readiness,
        answering: AnsweringSettings,
        calibrations: Calibrations,
        once: Once,
        metering: Metering,
    ) -> None:
        self._asking = asking
        self._readiness = readiness
        self._answering = answering
        self._calibrations = calibrations
        self._once = once
        self._metering = metering

    def Query(self, request: pb.QueryRequest, context: grpc.ServicerContext) -> pb.QueryResponse:
        """Answer a question, or say that it can't be answered."""
        with (
            self._metering.question(caller(context)) as metered,
            self._once.attempt(request, context) as attempt,
        ):
            if attempt.first is not None:
                return pb.QueryResponse.FromString(attempt.first[0])
            answer = self._asking.answer(caller(context), convert.question(request), _patience())
            response = convert.query_response(answer)
            # What comes too late is an error, which is neither kept nor charged.
            _check_time()
            attempt.told(response)
            attempt.keep()
            metered.answered()
            return response

    def StreamQuery(
        self, request: pb.StreamQueryRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.StreamQueryResponse]:
        """
        Answer piece by piece.

        What fails before the first event fails the call; what fails after it becomes the last event, since a
        status that follows a message is not seen by HTTP callers.
        """
        with (
            self._metering.question(caller(context)) as metered,
            self._once.attempt(request, context) as attempt,
        ):
            if attempt.first is not None:
                yield from map(pb.StreamQueryResponse.FromString, attempt.first)
                return
            begun = False
            try:
                for event in self._asking.stream(caller(context), convert.question(request), _patience()):
                    message = convert.stream_query_response(event)
                    attempt.told(message)
                    if isinstance(event, Completed):
                        attempt.keep()
                        metered.answered()
                    elif isinstance(event, Delta):
                        metered.told()
                    yield message
                    begun = True
                    if not isinstance(event, Completed):
                        _check_time(_LAST_WORD_SECONDS)
            except Exception as error:
                if not begun:
                    raise
                metered.failed()
                problem = foreseen(error, "StreamQuery")
                yield convert.stream_error(problem, caller(context).request_id)

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        """Find passages without answering."""
        results = self._asking.look_up(caller(context), convert.lookup(request), _patience())
        return convert.search_response(results)

    def GetCalibration(
        self, request: pb.GetCalibrationRequest, context: grpc.ServicerContext
    ) -> pb.GetCalibrationResponse:
        """Tell how far the confidence can be trusted."""
        workspace = caller(context).workspace_id
        calibration = self._calibrations.of(workspace)
        bounds = self._calibrations.thresholds(calibration, self._answering.get(workspace))
        return calibration_response(calibration, bounds)

    def CheckReadiness(
        self, request: pb.CheckReadinessRequest, context: grpc.ServicerContext
    ) -> pb.CheckReadinessResponse:
        """Tell whether a question could be answered now."""
        return pb.CheckReadinessResponse(status=READY, checks=self._readiness.check())


def _patience() -> float | None:
    """Return how long a language model may take, so that its answer can still be stored and told."""
    left = seconds_left()
    return None if left is None else max(0.0, left - _TELLING_SECONDS)


def _check_time(needed: float = 0.0) -> None:
    left = seconds_left()
    if left is not None and left < needed:
        raise DeadlineExceeded("The deadline passed.")
