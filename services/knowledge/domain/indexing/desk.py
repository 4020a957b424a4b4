"""A claimed document within the transaction that decides on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.kernel.errors import Unavailable
from services.knowledge.domain.generation import Generation
from services.knowledge.domain.indexing.work import Share, Work
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.ports.documents import Holding, IndexedContent
from services.knowledge.domain.ports.store import Transaction
from services.knowledge.domain.queue import Claim


@dataclass(frozen=True)
class Part:
    """What is to be written into a generation; without content nothing yet, for want of a model's work."""

    generation: Generation
    share: Share | None
    content: IndexedContent | None

    @property
    def error(self) -> Exception | None:
        """Why there is nothing; None also where a generation has come up since the claim."""
        return None if self.share is None else self.share.error


@dataclass(frozen=True)
class Desk:
    """
    What the index has of a claimed document and what it lacks, as of now: a re-index may have begun, ended or
    switched since the claim. The base is locked.
    """

    tx: Transaction
    base: Base
    claim: Claim
    holdings: Mapping[int, Holding]
    now: datetime

    def has(self, generation: Generation) -> bool:
        """Whether a generation has the document's present content."""
        holding = self.holdings.get(generation.number)
        return holding is not None and holding.content_version == self.claim.content_version

    @property
    def wanted(self) -> list[Generation]:
        """The generations that are to be written."""
        serving = self.base.serving
        return [
            each
            for each in self.base.written
            if not self.has(each) or (self.claim.anew and each.number == serving.number)
        ]

    def parts(self, work: Work) -> list[Part]:
        """Return what there is for each of them."""
        return [_part(work, each) for each in self.wanted]

    def ready(self, parts: list[Part]) -> list[Part]:
        """
        Return those that can be written now.

        A re-index that is not whole yet may be left behind, so that an edit waits for no other model than
        that of the index it is searched in. It may be ahead only while that model can't be reached: what
        can't be searched by the document's own fault is in neither.
        """
        following = self.base.next
        together = following is not None and following.whole_at is not None
        for part in parts:
            serves = part.generation.number == self.base.serving.number
            if part.content is None and (together or (serves and not isinstance(part.error, Unavailable))):
                return []
        return [part for part in parts if part.content is not None]


def _part(work: Work, generation: Generation) -> Part:
    if generation.embedding_model:
        share = work.shares.get(generation.embedding_model)
    else:
        share = next((each for each in work.shares.values() if generation.number in each.present), None)
    content = None if share is None else share.content(work.claim, generation.number)
    return Part(generation, share, content)
