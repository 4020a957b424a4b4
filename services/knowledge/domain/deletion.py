"""A deletion on its way: it has ended when nothing of the document is left anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.knowledge.domain.change_feed import LiveReplica
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.operation import OperationId
from services.knowledge.domain.receipt import Receipt


@dataclass(frozen=True)
class Deletion:
    """
    A deletion on its way.

    `revision` is that of the tombstone; 0: no replica has ever had anything of the document, none is asked.
    """

    operation_id: OperationId
    document_id: DocumentId
    revision: int
    receipt: Receipt

    def confirmed(self, live: Sequence[LiveReplica], at: datetime) -> "Deletion":
        """Return it with what live replicas confirm."""
        if not self.revision:
            return self
        return replace(self, receipt=self.receipt.confirmed(self.revision, live, at))

    def unfindable(self, live: Sequence[LiveReplica]) -> bool:
        """Whether no search can return the document; False while there is no replica to ask."""
        return not self.revision or (bool(live) and all(each.floor >= self.revision for each in live))

    def erased(self, live: Sequence[LiveReplica]) -> bool:
        """Whether no replica has anything of it in its files, and no kept answer cites it."""
        if self.receipt.answers is None or not self.unfindable(live):
            return False
        return not self.revision or all(each.erased >= self.revision for each in live)

    def forgotten(self, answers: int) -> "Deletion":
        """Return it after so many kept answers that cited the document were forgotten."""
        return replace(self, receipt=replace(self.receipt, answers=answers))
