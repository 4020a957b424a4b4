"""First answers to idempotent requests, in this service's transactions."""

import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.runtime.idempotency import Idempotency, IdempotencyScope


class SqlAnswers:
    """Answers in one transaction."""

    def __init__(self, connection: sa.Connection, idempotency: Idempotency) -> None:
        self._connection = connection
        self._idempotency = idempotency

    def replay(self, workspace_id: WorkspaceId, request: IdempotentRequest) -> bytes | None:
        """Return the first answer; None for a first request, which this transaction must then answer."""
        scope = _scope(workspace_id, request)
        return self._idempotency.replay(self._connection, scope, request.body_hash)

    def remember(self, workspace_id: WorkspaceId, request: IdempotentRequest, answer: bytes) -> None:
        """Keep the answer."""
        self._idempotency.remember(self._connection, _scope(workspace_id, request), answer)


def _scope(workspace_id: WorkspaceId, request: IdempotentRequest) -> IdempotencyScope:
    return IdempotencyScope(workspace_id, request.principal, request.method, request.key)
