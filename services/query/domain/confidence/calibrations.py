"""Which measurement and which scaling hold for a workspace: the shipped ones, or its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.model import Model
from services.query.domain.confidence.platt import PlattScaling, cross_fitted, refitted
from services.query.domain.explanation import Thresholds
from services.query.domain.settings.answering import Answering
from services.query.domain.settings.remembered import Remembered

SHIPPED, WORKSPACE = "shipped", "workspace"
LIFETIME_SECONDS = 60.0
_DIGITS = 4


@dataclass(frozen=True)
class Label:
    """
    An answer and whether it was right.

    `score` is the fitted model's own, before any scaling; `model` is that model's version, since scores of
    another one mean something else.
    """

    message_id: str
    model: str
    score: float
    right: bool


class LabelledScores(Protocol):
    """Keeps which of a workspace's answers were right. Safe to share between threads."""

    def put(self, workspace_id: WorkspaceId, label: Label) -> None:
        """Keep a label; a later one of the same message replaces it. Raises Unavailable."""
        ...

    def of(self, workspace_id: WorkspaceId, model: str) -> Sequence[tuple[float, bool]]:
        """
        Return score and rightness of the workspace's answers that this model scored.

        They are in the order of their messages; of very many, the newest 20,000. Raises Unavailable.
        """
        ...


@dataclass(frozen=True)
class Calibration:
    """
    What holds for one workspace.

    `origin` is shipped, or workspace where `scaling` was fitted on its own questions; the outcomes are then
    scaled as well, each by a fit that has not seen it.
    """

    origin: str
    measurement: Measurement
    scaling: PlattScaling | None = None

    def score(self, score: float) -> float:
        """Return the probability, 0 to 1, that an answer is right to which the model gave `score`."""
        return score if self.scaling is None else round(self.scaling(score), _DIGITS)


class Calibrations:
    """The calibrations of all workspaces. Safe to share between threads."""

    def __init__(
        self,
        model: Model,
        min_confidence: float,
        shipped: Measurement,
        labelled: LabelledScores,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`min_confidence` applies where a workspace says nothing."""
        self._model = model
        self._min_confidence = min_confidence
        self._shipped = Calibration(SHIPPED, shipped)
        self._labelled = labelled
        self._known = Remembered(self._read, LIFETIME_SECONDS, monotonic=monotonic)

    def of(self, workspace_id: WorkspaceId) -> Calibration:
        """
        Return what holds for a workspace, at most a minute old.

        Raises:
            Unavailable: nothing is known of it and its labels can't be read.
        """
        return self._known.of(workspace_id)

    def thresholds(
        self, calibration: Calibration, answering: Answering, min_confidence: float | None = None
    ) -> Thresholds:
        """
        Return the bounds that a confidence, scaled by `calibration`, is held against.

        `min_confidence` is a question's own and goes before all others.
        """
        least = self._min_confidence
        if min_confidence is not None:
            least = min_confidence
        elif answering.min_confidence is not None:
            least = answering.min_confidence
        elif answering.wanted_precision is not None:
            least = calibration.measurement.outcomes.threshold_for(answering.wanted_precision)
        return Thresholds(
            min_confidence=least,
            relevant=calibration.score(self._model.relevant),
            medium_from=answering.medium_from,
            high_from=answering.high_from,
            model=self._model.version,
        )

    def _read(self, workspace_id: WorkspaceId) -> Calibration:
        labels = self._labelled.of(workspace_id, self._model.version)
        own = Outcomes.of(labels)
        scaling = refitted(own)
        if scaling is None:
            return self._shipped
        measured_on = f"{len(own):,} labelled answers of this workspace"
        return Calibration(
            WORKSPACE, Measurement(self._model.version, measured_on, cross_fitted(own)), scaling
        )
