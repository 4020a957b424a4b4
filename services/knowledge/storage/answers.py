"""First answers to idempotent requests, in this service's transactions."""

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.errors import DocumentNotFound
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.storage.tables import IDEMPOTENCY_KEYS
from services.runtime.idempotency import Idempotency, IdempotencyScope

# No answer is empty.
_FORGOTTEN = b""


class SqlAnswers:
    """Answers in one transaction."""

    def __init__(self, connection: sa.Connection, idempotency: Idempotency) -> None:
        self._connection = connection
        self._idempotency = idempotency

    def replay(self, workspace_id: WorkspaceId, request: IdempotentRequest) -> bytes | None:
        """Return the first answer; None for a first request, which this transaction must then answer."""
        scope = _scope(workspace_id, request)
        answer = self._idempotency.replay(self._connection, scope, request.body_hash)
        if answer == _FORGOTTEN:
            raise DocumentNotFound("The document that was made with this Idempotency-Key has been deleted.")
        return answer

    def remember(
        self,
        workspace_id: WorkspaceId,
        request: IdempotentRequest,
        answer: bytes,
        shows: DocumentId | None = None,
    ) -> None:
        """Keep the answer; `shows`: whose title and tags are in it."""
        self._idempotency.remember(self._connection, _scope(workspace_id, request), answer)
        if shows is not None:
            c = IDEMPOTENCY_KEYS.c
            self._connection.execute(
                IDEMPOTENCY_KEYS.update()
                .where(
                    c.workspace_id == workspace_id,
                    c.principal == request.principal,
                    c.method == request.method,
                    c.key == request.key,
                )
                .values(document_id=shows)
            )

    def forget(self, workspace_id: WorkspaceId, document_id: DocumentId) -> None:
        """Keep of answers that show a document only that they were given."""
        c = IDEMPOTENCY_KEYS.c
        self._connection.execute(
            IDEMPOTENCY_KEYS.update()
            .where(c.workspace_id == workspace_id, c.document_id == document_id)
            .values(response=_FORGOTTEN)
        )


def _scope(workspace_id: WorkspaceId, request: IdempotentRequest) -> IdempotencyScope:
    return IdempotencyScope(workspace_id, request.principal, request.method, request.key)
