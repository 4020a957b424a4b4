"""The receipt of a deletion: what was removed, and who has confirmed it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.knowledge.domain.change_feed import LiveReplica

# What keeps traces of a deleted document, for how long.
KEPT = (
    "Transcripts keep what they cited of it until their conversation is deleted or its retention ends.",
    "This operation keeps its id and its external id for 30 days, the change feed its id for 7 days.",
    "Backups keep it until they are overwritten, and so do PostgreSQL's log and free space, or the unused"
    " bytes within the pages of a SQLite file of more than 64 MB.",
)


@dataclass(frozen=True)
class Confirmation:
    """A search replica's word: since when it can't find the document, since when it has no trace of it."""

    address: str
    unfindable_at: datetime
    erased_at: datetime | None = None


@dataclass(frozen=True)
class Receipt:
    """
    What a deletion removed, and how far it is.

    `chunks`: passages of all generations; `versions`: earlier ones of the document; `bytes`: of all contents;
    `answers`: kept ones that cited it, None until they are forgotten; `erased_at`: when the last file was rid
    of it.
    """

    chunks: int = 0
    versions: int = 0
    bytes: int = 0
    answers: int | None = None
    replicas: tuple[Confirmation, ...] = ()
    erased_at: datetime | None = None

    def confirmed(self, revision: int, live: Sequence[LiveReplica], at: datetime) -> "Receipt":
        """Return it with what live replicas confirm of the deletion at `revision`; first words stay."""
        said = {each.address: each for each in self.replicas}
        for each in live:
            if each.floor >= revision and each.address not in said:
                said[each.address] = Confirmation(each.address, unfindable_at=at)
            before = said.get(each.address)
            if before is not None and before.erased_at is None and each.erased >= revision:
                said[each.address] = replace(before, erased_at=at)
        return replace(self, replicas=tuple(said[address] for address in sorted(said)))
