"""How an answer came about, for those who tune it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """
    The bounds that a confidence was held against, each 0 to 1.

    Below `min_confidence` an answer is withheld; below `relevant` nothing found has to do with the question;
    the level is low below `medium_from` and high from `high_from`. `model` is the fitted model's version.
    """

    min_confidence: float
    relevant: float
    medium_from: float
    high_from: float
    model: str

    def level(self, score: float) -> str:
        """Return low, medium or high."""
        if score < self.medium_from:
            return "low"
        return "medium" if score < self.high_from else "high"


@dataclass(frozen=True)
class ExplainedPassage:
    """A passage and what spoke for it; `best_sentence` is the highest cosine of its sentences."""

    document_id: str
    chunk_id: str
    title: str
    heading_path: tuple[str, ...]
    kind: str
    score: float
    dense: float
    lexical: float
    best_sentence: float
    used: bool


@dataclass(frozen=True)
class Explanation:
    """
    How an answer came about.

    `question` is what was searched for, `features` what the confidence was computed from, `milliseconds` the
    time of each stage, `fallback` why the language model's answer was not used (empty: it was, or there is
    none).
    """

    question: str
    passages: tuple[ExplainedPassage, ...]
    features: Mapping[str, float]
    thresholds: Thresholds
    milliseconds: Mapping[str, float]
    fallback: str = ""
