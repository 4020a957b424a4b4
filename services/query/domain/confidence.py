"""How sure an answer is: plain features of the search and of the text, a fitted model, a probability."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from services.query.domain.extract import Quote
from services.query.domain.passage import Passage
from services.query.domain.ranking import Candidate
from services.query.domain.words import coverage, likeness, term_set, terms, weights

_SHIPPED = Path(__file__).with_name("confidence.json")
_RIVALS = 5


@dataclass(frozen=True)
class Features:
    """
    What the model sees of an answer; each is a number of about 0 to 1.

    dense: cosine of the best passage to the question.
    dense_margin: how far that is above the mean of the next documents' best.
    lexical_margin: the same of BM25, as a share of it.
    dense_spread: how far `dense` is above the mean of all passages found.
    passage_coverage: share of the question's terms, by what they tell apart, in the best passage or above it.
    answer_coverage: the same, in the answer.
    heading_match: how much the title or a heading of the best passage is the question.
    missing: share of the question's terms that no passage holds.
    length: number of the question's terms, 1 for twenty and more.
    """

    dense: float
    dense_margin: float
    lexical_margin: float
    dense_spread: float
    passage_coverage: float
    answer_coverage: float
    heading_match: float
    missing: float
    length: float


def features(
    question: str, found: Sequence[Passage], candidates: Sequence[Candidate], quotes: Sequence[Quote]
) -> Features:
    """Return the features of an answer; `candidates` are the documents, best first and at least one."""
    asked = terms(question)
    texts = [term_set(passage.whole) for passage in found]
    weight = weights(asked, texts)
    best = candidates[0].passages[0]
    above = (best.title, *best.heading_path)
    answer = " ".join([*(quote.text for quote in quotes), *above])
    everywhere = frozenset[str]().union(*texts)
    return Features(
        dense=best.dense,
        dense_margin=best.dense
        - _mean([each.passages[0].dense for each in candidates[1 : 1 + _RIVALS]], best.dense),
        lexical_margin=_lexical_margin(found, best.document_id),
        dense_spread=best.dense - _mean([each.dense for each in found], best.dense),
        passage_coverage=coverage(weight, term_set(best.whole)),
        answer_coverage=coverage(weight, term_set(answer)),
        heading_match=max((likeness(weight, term_set(heading)) for heading in above), default=0.0),
        missing=len(set(asked) - everywhere) / max(1, len(set(asked))),
        length=min(1.0, len(asked) / 20),
    )


@dataclass(frozen=True)
class Model:
    """
    A logistic model of the features, fitted on answers that are known to be right or wrong.

    `threshold` is the score below which an answer is withheld unless told otherwise; below `relevant`, what
    was found has nothing to do with the question.
    """

    version: str
    intercept: float
    weights: Mapping[str, float]
    threshold: float
    relevant: float

    def score(self, seen: Features) -> float:
        """Return the probability, 0 to 1, that the answer is right."""
        total = self.intercept + sum(
            self.weights[each.name] * getattr(seen, each.name) for each in fields(seen)
        )
        return round(1 / (1 + math.exp(-total)), 4)


def shipped_model() -> Model:
    """Return the model that comes with this version; the file tells what it was fitted on."""
    data = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    return Model(
        version=data["version"],
        intercept=data["intercept"],
        weights=data["weights"],
        threshold=data["threshold"],
        relevant=data["relevant"],
    )


def _mean(values: Sequence[float], none: float) -> float:
    return sum(values) / len(values) if values else none


def _lexical_margin(found: Sequence[Passage], document_id: str) -> float:
    own = max(each.lexical for each in found if each.document_id == document_id)
    other = max((each.lexical for each in found if each.document_id != document_id), default=0.0)
    most = max(own, other)
    return (own - other) / most if most > 0 else 0.0
