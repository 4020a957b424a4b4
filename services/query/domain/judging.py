"""What the passages say to a question, how sure that is, and whether to say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.query.domain.answer import (
    CUSTOM,
    EXTRACTIVE,
    LOW_CONFIDENCE,
    NO_RELEVANT_SOURCE,
    Citation,
    Confidence,
    Draft,
    Piece,
)
from services.query.domain.compose import compose, nearest
from services.query.domain.confidence.calibrations import Calibration, Calibrations
from services.query.domain.confidence.model import Model, features
from services.query.domain.explanation import Thresholds
from services.query.domain.extraction.extract import extract
from services.query.domain.generation.facts import asks_the_same
from services.query.domain.passage import CUSTOM_ANSWER, Passage
from services.query.domain.retrieval.ranking import Candidate, documents, ranked
from services.query.domain.retrieval.retrieval import Retrieved
from services.query.domain.settings.answering import Answering

_NOTHING_FOUND = "I couldn't find anything about that in the documentation."
_NOTHING_RELEVANT = (
    "I couldn't find an answer to that in the documentation. The pages listed as sources came nearest."
)
_NOT_SURE = "I'm not sure enough to answer that. The pages listed as sources may help."


@dataclass(frozen=True)
class Judgement:
    """
    A draft, and whether it is an answer or says that there is none; `reason` is empty where it is.

    `passages` are those of the sources, in the sources' order. `features` are what the confidence comes from.
    """

    draft: Draft
    reason: str
    confidence: Confidence
    thresholds: Thresholds
    answerer: str
    passages: tuple[Passage, ...] = ()
    features: Mapping[str, float] | None = None

    @property
    def answered(self) -> bool:
        """Whether the draft answers."""
        return not self.reason

    @property
    def is_extract(self) -> bool:
        """Whether the draft is an answer that a language model may write better."""
        return self.answered and self.answerer == EXTRACTIVE


class Judge:
    """Drafts the extractive answer and decides."""

    def __init__(self, model: Model, calibrations: Calibrations) -> None:
        self._model = model
        self._calibrations = calibrations

    def judge(
        self,
        message: str,
        retrieved: Retrieved,
        answering: Answering,
        calibration: Calibration,
        *,
        max_sources: int,
        min_confidence: float | None,
    ) -> Judgement:
        """Return what to answer; `min_confidence` goes before the workspace's bound."""
        thresholds = self._calibrations.thresholds(calibration, answering, min_confidence)
        every = retrieved.found.passages
        custom = self._custom(retrieved.asked, every, documents(every, max_sources), thresholds, max_sources)
        if custom is not None:
            return custom
        # The answer to another question is no part of this one's, unless there is nothing else.
        passages = [each for each in every if each.kind != CUSTOM_ANSWER] or every
        candidates = documents(passages, max_sources)
        found = extract(retrieved.asked, candidates, passages, answering.answer_characters)
        if not found.quotes:
            text = _NOTHING_RELEVANT if candidates else _NOTHING_FOUND
            confidence = Confidence(0.0, thresholds.level(0.0))
            return Judgement(
                _withheld(text, candidates), NO_RELEVANT_SOURCE, confidence, thresholds, EXTRACTIVE
            )
        # By its own words: those of earlier turns would count as missing from the answer.
        seen = features(message, passages, candidates, found)
        score = calibration.score(self._model.score(seen))
        reason, draft = "", compose(found.quotes, candidates)
        if score < thresholds.min_confidence:
            relevant = score >= thresholds.relevant
            reason = LOW_CONFIDENCE if relevant else NO_RELEVANT_SOURCE
            draft = _withheld(_NOT_SURE if relevant else _NOTHING_RELEVANT, candidates)
        quoted = {quote.passage.document_id: quote.passage for quote in found.quotes}
        return Judgement(
            draft=draft,
            reason=reason,
            confidence=Confidence(score, thresholds.level(score)),
            thresholds=thresholds,
            answerer=EXTRACTIVE,
            passages=tuple(quoted.get(each.passages[0].document_id, each.passages[0]) for each in candidates),
            features=seen.by_name(),
        )

    def _custom(
        self,
        asked: str,
        passages: Sequence[Passage],
        candidates: Sequence[Candidate],
        thresholds: Thresholds,
        max_sources: int,
    ) -> Judgement | None:
        """Return the custom answer whose question is the one that was asked, if there is one."""
        # Of all that was found: documents that rank before it must not hide it.
        every = [
            each
            for each in ranked(passages)
            if each.kind == CUSTOM_ANSWER and asks_the_same(asked, each.heading_path[-1])
        ]
        best = max(every, key=lambda each: each.dense, default=None)
        if best is None or best.dense < self._model.custom.least:
            return None
        score = self._model.custom.score(best.dense)
        if score < thresholds.min_confidence:
            return None
        own = [Candidate((best,))]
        others = [each for each in candidates if each.passages[0].document_id != best.document_id]
        others = others[: max_sources - 1]
        text = best.text.strip()
        draft = Draft((Piece(f"{text} [1]", (Citation(0, len(text), 1),)),), nearest([*own, *others]))
        confidence = Confidence(score, thresholds.level(score))
        passages = (best, *(each.passages[0] for each in others))
        return Judgement(draft, "", confidence, thresholds, CUSTOM, passages)


def _withheld(text: str, candidates: Sequence[Candidate]) -> Draft:
    return Draft((Piece(text),), nearest(candidates))
