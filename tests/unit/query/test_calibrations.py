"""Which calibration holds for a workspace."""

from dataclasses import replace

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.calibrations import SHIPPED, WORKSPACE, Calibrations, Label
from services.query.domain.confidence.model import shipped_model
from services.query.domain.settings.answering import Answering
from tests.fakes.labelled_scores import FakeLabelledScores
from tests.unit.query.test_remembered import Seconds

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")
MODEL = replace(shipped_model(), version="v1", threshold=0.2, relevant=0.1)
PAIRS = [(0.1, False), (0.4, False), (0.6, True), (0.8, True)]


class World:
    """Calibrations of a model that was measured on four questions."""

    def __init__(self) -> None:
        self.labelled = FakeLabelledScores()
        self.seconds = Seconds()
        shipped = Measurement("v1", "four questions", Outcomes.of(PAIRS))
        self.calibrations = Calibrations(MODEL, 0.25, shipped, self.labelled, monotonic=self.seconds)

    def label(self, count: int, *, model: str = "v1") -> None:
        """Say of so many answers with scores of .5 and .9, that half of the latter are right."""
        for index in range(count):
            right, score = index % 4 == 0, 0.9 if index % 2 == 0 else 0.5
            self.labelled.put(ACME, Label(f"msg_{model}_{index:04}", model, score, right))


def test_without_labels_the_shipped_one_holds() -> None:
    """Scores stay as they are."""
    calibration = World().calibrations.of(ACME)
    assert (calibration.origin, calibration.measurement.measured_on) == (SHIPPED, "four questions")
    assert calibration.score(0.1234) == 0.1234


def test_a_workspace_with_labels_has_its_own() -> None:
    """Its scores are scaled, and so are those that its figures are of; others keep the shipped one."""
    world = World()
    world.label(400)
    own = world.calibrations.of(ACME)
    assert (own.origin, own.measurement.measured_on) == (
        WORKSPACE,
        "400 labelled answers of this workspace",
    )
    assert len(own.measurement.outcomes) == 400
    assert abs(own.score(0.9) - 0.5) < 0.03
    assert own.score(0.5) < 0.03
    assert own.measurement.outcomes.ece < 0.05
    assert world.calibrations.of(OTHER).origin == SHIPPED


def test_labels_of_another_model_do_not_count() -> None:
    """Its scores mean something else."""
    world = World()
    world.label(400, model="v0")
    world.label(100)
    assert world.calibrations.of(ACME).origin == SHIPPED


def test_labels_are_looked_at_once_a_minute() -> None:
    """And what is known goes on while they can't be read."""
    world = World()
    world.calibrations.of(ACME)
    world.label(400)
    world.seconds.now += 59
    assert world.calibrations.of(ACME).origin == SHIPPED
    assert world.labelled.reads == 1
    world.seconds.now += 1
    assert world.calibrations.of(ACME).origin == WORKSPACE
    world.labelled.failure = Unavailable("away")
    world.seconds.now += 61
    assert world.calibrations.of(ACME).origin == WORKSPACE


def test_the_bound_is_the_one_that_was_set() -> None:
    """A question's own, else the workspace's as it is or by its precision, else the installation's."""
    world = World()
    calibration = world.calibrations.of(ACME)

    def least(answering: Answering) -> float:
        return world.calibrations.thresholds(calibration, answering).min_confidence

    assert least(Answering()) == 0.25
    assert least(Answering(min_confidence=0.0)) == 0.0
    assert least(Answering(wanted_precision=0.6)) == 0.4
    assert least(Answering(wanted_precision=0.9)) == 0.6
    own = world.calibrations.thresholds(calibration, Answering(min_confidence=0.5), min_confidence=0.0)
    assert own.min_confidence == 0.0


def test_the_other_bounds() -> None:
    """Levels are the workspace's; what is relevant is the model's, on the scale of the scores."""
    world = World()
    answering = Answering(medium_from=0.3, high_from=0.6)
    shipped = world.calibrations.thresholds(world.calibrations.of(OTHER), answering)
    assert (shipped.medium_from, shipped.high_from, shipped.relevant, shipped.model) == (0.3, 0.6, 0.1, "v1")
    world.label(400)
    own = world.calibrations.of(ACME)
    assert world.calibrations.thresholds(own, answering).relevant == own.score(0.1) != 0.1
