"""The gate that lets no re-index lose a document."""

from collections.abc import Sequence
from dataclasses import replace

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Failure
from services.knowledge.domain.operation import ItemError
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.ports.store import Store

_SENTENCE = "It can be found now and could not be any more, so the index stays as it is."


class LostDocuments:
    """A SwitchGate: what can be found now can be found afterwards."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def objections(self, workspace_id: WorkspaceId, base: Base) -> Sequence[ItemError]:
        """Return the documents that have passages now and failed in the re-index."""
        if base.next is None:
            return ()
        with self._store.read() as tx:
            lost = tx.reindexes.lost(
                workspace_id, base.next.operation_id, base.serving.number, base.next.generation.number
            )
        return [replace(each, failure=_with_sentence(each.failure)) for each in lost]


def _with_sentence(failure: Failure) -> Failure:
    return Failure(failure.code, f"{failure.detail} {_SENTENCE}")
