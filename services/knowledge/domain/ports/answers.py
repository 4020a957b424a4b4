"""First answers to requests that may be repeated."""

from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that carries an `Idempotency-Key`."""

    principal: str
    method: str
    key: str
    body_hash: str


class Answers(Protocol):
    """First answers to idempotent requests."""

    def replay(self, workspace_id: WorkspaceId, request: IdempotentRequest) -> bytes | None:
        """
        Return the first answer; None for a first request, which this transaction must then answer.

        Raises:
            DocumentNotFound: it showed a document that was deleted since.
        """
        ...

    def remember(
        self,
        workspace_id: WorkspaceId,
        request: IdempotentRequest,
        answer: bytes,
        shows: DocumentId | None = None,
    ) -> None:
        """Keep the answer; `shows`: whose title and tags are in it."""
        ...

    def forget(self, workspace_id: WorkspaceId, document_id: DocumentId) -> None:
        """Keep of answers that show a document only that they were given: a late repeat makes no new one."""
        ...
