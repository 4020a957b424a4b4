"""Operations that a request begins once, however often it is repeated."""

from collections.abc import Callable

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.store import Transaction


def answered_once(
    tx: Transaction,
    workspace_id: WorkspaceId,
    request: IdempotentRequest | None,
    begin: Callable[[], Operation],
    encode: Callable[[Operation], bytes],
) -> bytes:
    """
    Begin an operation and return the answer to it, the first one where the request is a repeated one.

    `request` None: it carries no key. The workspace is locked. Raises what `begin` raises; nothing is kept
    then.
    """
    first = tx.answers.replay(workspace_id, request) if request else None
    if first is not None:
        return first
    answer = encode(begin())
    if request:
        tx.answers.remember(workspace_id, request, answer)
    return answer
