"""First answers to requests that may be repeated."""

from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId


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
        """Return the first answer; None for a first request, which this transaction must then answer."""
        ...

    def remember(self, workspace_id: WorkspaceId, request: IdempotentRequest, answer: bytes) -> None:
        """Keep the answer."""
        ...
