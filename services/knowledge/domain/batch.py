"""A batch: documents that are written together, each good or bad by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.errors import InvalidArgument, Violation
from services.knowledge.domain.document import Draft, Failure

MAX_BATCH = 1000
MAX_BATCH_BYTES = 10 * 1024 * 1024

Proposal = Draft | Failure
"""One document of a batch: what it is to be, or what is wrong with it."""


@dataclass(frozen=True)
class Proposed:
    """One document of a batch with the external id that it was sent under."""

    external_id: str
    proposal: Proposal


def check_size(documents: Sequence[Proposed]) -> None:
    """Raise InvalidArgument where a batch has no documents, too many, or too much content in all."""
    if not 1 <= len(documents) <= MAX_BATCH:
        raise InvalidArgument.of([Violation("/documents", f"must have 1 to {MAX_BATCH} entries")])
    size = sum(len(each.proposal.content) for each in documents if isinstance(each.proposal, Draft))
    if size > MAX_BATCH_BYTES:
        detail = f"have {size} bytes of content in all; a batch may have {MAX_BATCH_BYTES}"
        raise InvalidArgument.of([Violation("/documents", detail)])


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
