"""How sure an answer is: plain features of the search and of the text, a fitted model, a probability."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from services.query.domain.confidence.trees import Trees
from services.query.domain.extraction.extract import Extract
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import Candidate
from services.query.domain.text.reading import pairs, reading
from services.query.domain.text.words import coverage, term_set, terms, weights

_SHIPPED = Path(__file__).with_name("confidence.json")
_RIVALS = 5
_DIGITS = 4


@dataclass(frozen=True)
class Features:
    """
    What the model sees of an answer; each is a number of about 0 to 1.

    dense: cosine of the best passage to the question.
    score: what it was ranked by.
    score_margin: how far that is above the mean of the next documents' best.
    lexical_margin: the same of BM25 beside all other documents, as a share of it.
    dense_spread, score_spread: how far both are above the mean of all passages found.
    passage_coverage: share of the question's terms, by what they tell apart, in the best passage or above it.
    answer_coverage: the same, in the answer.
    pairs, sentence_pairs: share of the question's neighbouring words that are neighbours in the best passage,
    and in one of its sentences.
    missing: share of the question's terms that no passage holds.
    length: number of the question's terms, 1 for twenty and more.
    support: probability of what is quoted, among all that could be.
    doubt: how evenly that probability is spread, as entropy in nats, a third of it.
    best_sentence: highest cosine of a sentence of any passage; answer_cosine: of a sentence that is quoted.
    documents: number of documents among the passages, as a share of the passages looked for.
    """

    dense: float
    score: float
    score_margin: float
    lexical_margin: float
    dense_spread: float
    score_spread: float
    passage_coverage: float
    answer_coverage: float
    pairs: float
    sentence_pairs: float
    missing: float
    length: float
    support: float
    doubt: float
    best_sentence: float
    answer_cosine: float
    documents: float

    def by_name(self) -> dict[str, float]:
        """Return them by their names."""
        return {each.name: round(getattr(self, each.name), 6) for each in fields(self)}


def features(
    question: str, found: Sequence[Passage], candidates: Sequence[Candidate], extract: Extract
) -> Features:
    """Return the features of an answer; `candidates` are the documents, best first and at least one."""
    asked, neighbours = terms(question), pairs(question)
    readings = [reading(passage) for passage in found]
    weight = weights(asked, [each.whole for each in readings])
    best = candidates[0].passages[0]
    read = reading(best)
    rivals = [each.passages[0].score for each in candidates[1 : 1 + _RIVALS]]
    answer = read.headings.union(*(term_set(quote.text) for quote in extract.quotes))
    everywhere = frozenset[str]().union(*(each.whole for each in readings))
    return Features(
        dense=best.dense,
        score=best.score,
        score_margin=best.score - _mean(rivals, best.score),
        lexical_margin=_lexical_margin(found, best.document_id),
        dense_spread=best.dense - _mean([each.dense for each in found], best.dense),
        score_spread=best.score - _mean([each.score for each in found], best.score),
        passage_coverage=coverage(weight, read.whole),
        answer_coverage=coverage(weight, answer),
        pairs=len(neighbours & read.pairs) / max(1, len(neighbours)),
        sentence_pairs=max((len(neighbours & each) for each in read.unit_pairs), default=0)
        / max(1, len(neighbours)),
        missing=len(set(asked) - everywhere) / max(1, len(set(asked))),
        length=min(1.0, len(asked) / 20),
        support=extract.support,
        doubt=extract.doubt,
        best_sentence=max((each.best_sentence for each in found), default=best.dense),
        answer_cosine=_answer_cosine(extract, best.dense),
        documents=len({each.document_id for each in found}) / 24,
    )


@dataclass(frozen=True)
class CustomMatch:
    """
    A logistic of the cosine between what was asked and the question that a custom answer was written for.

    Below `least` the answer is not taken for one to what was asked.
    """

    intercept: float
    weight: float
    least: float

    def score(self, cosine: float) -> float:
        """Return the probability, 0 to 1, that both ask for the same."""
        return round(1 / (1 + math.exp(-(self.intercept + self.weight * cosine))), _DIGITS)


@dataclass(frozen=True)
class Model:
    """
    A model of the features, fitted on answers that are known to be right or wrong.

    `threshold` is the score below which an answer is withheld unless told otherwise; below `relevant`, what
    was found has nothing to do with the question.
    """

    version: str
    trees: Trees
    custom: CustomMatch
    threshold: float
    relevant: float

    def score(self, seen: Features) -> float:
        """Return the probability, 0 to 1, that the answer is right."""
        return self.score_of(seen.by_name())

    def score_of(self, seen: Mapping[str, float]) -> float:
        """Return the same of features by name."""
        return round(1 / (1 + math.exp(-self.trees.logit(seen))), _DIGITS)


def shipped_model() -> Model:
    """Return the model that comes with this version; the file tells what it was fitted on."""
    data: Mapping[str, object] = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    return model_of(data)


def model_of(data: Mapping[str, object]) -> Model:
    """Return a model as `confidence.json` holds it. Raises ValueError where it does not fit the features."""
    trees = Trees.of(data["trees"], [each.name for each in fields(Features)])
    custom = data["custom"]
    if not isinstance(custom, Mapping):
        raise ValueError("custom is no object")
    return Model(
        version=str(data["version"]),
        trees=trees,
        custom=CustomMatch(custom["intercept"], custom["weight"], custom["least"]),
        threshold=float(str(data["threshold"])),
        relevant=float(str(data["relevant"])),
    )


def _mean(values: Sequence[float], none: float) -> float:
    return sum(values) / len(values) if values else none


def _lexical_margin(found: Sequence[Passage], document_id: str) -> float:
    own = max(each.lexical for each in found if each.document_id == document_id)
    other = max((each.lexical for each in found if each.document_id != document_id), default=0.0)
    most = max(own, other)
    return (own - other) / most if most > 0 else 0.0


def _answer_cosine(extract: Extract, none: float) -> float:
    near = [
        quote.passage.nearness(at)
        for quote in extract.quotes
        for at, unit in enumerate(quote.passage.quotable)
        if unit.start < quote.end and quote.start < unit.end
    ]
    return max(near, default=none)
