"""A batch: documents that are written together, each good or bad by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.knowledge.domain.document import Draft, Failure

MAX_BATCH = 1000

Proposal = Draft | Failure
"""One document of a batch: what it is to be, or what is wrong with it."""


@dataclass(frozen=True)
class Proposed:
    """One document of a batch with the external id that it was sent under."""

    external_id: str
    proposal: Proposal


def distinct(documents: Sequence[Proposed]) -> list[Proposed]:
    """Fail what cannot be told apart: no external id, or one that came before in the same batch."""
    first: dict[str, int] = {}
    checked = []
    for place, each in enumerate(documents):
        if not each.external_id:
            failure = Failure("INVALID_ARGUMENT", "/external_id: must not be empty")
            checked.append(Proposed("", failure))
            continue
        before = first.setdefault(each.external_id, place)
        if before != place:
            failure = Failure("INVALID_ARGUMENT", f"/external_id: is that of document {before}, too")
            each = Proposed(each.external_id, failure)
        checked.append(each)
    return checked
