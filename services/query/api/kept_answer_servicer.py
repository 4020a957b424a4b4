"""The RPCs about answers that are kept for repeated requests. Parts of the installation call them."""

import grpc
from supportagent.query.v1 import kept_answer_service_pb2 as pb
from supportagent.query.v1 import kept_answer_service_pb2_grpc as pb_grpc

from services.kernel.errors import InvalidArgument, Violation
from services.query.api.convert_answering import workspace_id
from services.runtime.first_answers import FirstAnswers

SERVICE = pb.DESCRIPTOR.services_by_name["KeptAnswerService"].full_name

_MOST = 1_000


class KeptAnswerServicer(pb_grpc.KeptAnswerServiceServicer):
    """Answers that cite what was deleted are forgotten."""

    def __init__(self, answers: FirstAnswers) -> None:
        self._answers = answers

    def ForgetDocuments(
        self, request: pb.ForgetDocumentsRequest, context: grpc.ServicerContext
    ) -> pb.ForgetDocumentsResponse:
        """Forget answers, and keep none that is being made, which show one of the documents."""
        workspace = workspace_id(request.workspace_id)
        if not 1 <= len(request.document_ids) <= _MOST:
            raise InvalidArgument.of([Violation("/document_ids", f"must have 1 to {_MOST:,} entries")])
        return pb.ForgetDocumentsResponse(answers=self._answers.forget(workspace, request.document_ids))
