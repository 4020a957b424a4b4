"""Scoring passages against a question once more, by a model that reads both at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from services.kernel.errors import Violation
from services.query.domain.passage import Passage
from services.query.domain.settings.endpoint_rules import (
    key_violations,
    name_violations,
    range_violations,
    url_violations,
)

MIN_TIMEOUT, MAX_TIMEOUT = 0.05, 30.0


@dataclass(frozen=True)
class RerankModel:
    """An endpoint that reranks: `/rerank` is put behind `base_url`; `key` is empty where none is wanted."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    timeout_seconds: float = 2.0

    def violations(self, pointer: str) -> Iterator[Violation]:
        """Yield every broken rule; `pointer` is where this object stands in the body, as RFC 6901 has it."""
        yield from url_violations(f"{pointer}/base_url", self.base_url)
        yield from name_violations(f"{pointer}/model", self.model)
        yield from key_violations(f"{pointer}/key", self.key)
        yield from range_violations(
            f"{pointer}/timeout_seconds", self.timeout_seconds, MIN_TIMEOUT, MAX_TIMEOUT
        )


class Reranker(Protocol):
    """Tells how well texts answer a question. Safe to share between threads."""

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float] | None:
        """
        Return one finite score per text, in their order; more is better, and the scale is the model's own.

        None: it could not be done, so the order stays as it is. Never raises.
        """
        ...


class Rerankers(Protocol):
    """Knows the rerankers that workspaces named. Safe to share between threads."""

    def of(self, model: RerankModel) -> Reranker:
        """Return the one of these settings."""
        ...


def reranked(question: str, passages: Sequence[Passage], reranker: Reranker) -> tuple[Passage, ...]:
    """
    Return the passages in the reranker's order; as they were where it can't tell.

    Each place keeps its score: what the confidence was fitted on stays comparable, whatever the scale of the
    reranker's own.
    """
    scores = reranker.scores(question, [passage.whole for passage in passages])
    if scores is None:
        return tuple(passages)
    order = sorted(range(len(passages)), key=lambda at: (-scores[at], at))
    return tuple(replace(passages[at], score=place.score) for at, place in zip(order, passages, strict=True))
