"""Answers that query keeps for repeated questions."""

from collections.abc import Sequence

import grpc
from supportagent.query.v1 import kept_answer_service_pb2 as pb
from supportagent.query.v1.kept_answer_service_pb2_grpc import KeptAnswerServiceStub

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.runtime.channel import call

IDEMPOTENT = ("/supportagent.query.v1.KeptAnswerService/ForgetDocuments",)

# It empties its database's log before it answers.
_TIMEOUT = 5.0


class QueryKeptAnswers:
    """Query, as far as it keeps answers."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = KeptAnswerServiceStub(channel)

    def forget(self, workspace_id: WorkspaceId, ids: Sequence[DocumentId]) -> Sequence[int]:
        """
        Forget what cites documents, at most 1,000; return how many answers cited each.

        Raises:
            Unavailable, DeadlineExceeded, RemoteError: query can't say that it was done.
        """
        request = pb.ForgetDocumentsRequest(workspace_id=workspace_id, document_ids=ids)
        return tuple(call(self._stub.ForgetDocuments, request, timeout=_TIMEOUT).answers)
