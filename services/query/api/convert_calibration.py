"""From a calibration to protobuf messages."""

from dataclasses import asdict

from supportagent.query.v1 import query_service_pb2 as pb

from services.query.api.convert_explanation import thresholds
from services.query.domain.confidence.calibration import ReliabilityBin
from services.query.domain.confidence.calibrations import Calibration
from services.query.domain.explanation import Thresholds

_DIGITS = 4


def calibration_response(calibration: Calibration, bounds: Thresholds) -> pb.GetCalibrationResponse:
    """Return what holds for a workspace."""
    measurement = calibration.measurement
    outcomes = measurement.outcomes
    return pb.GetCalibrationResponse(
        calibration=pb.Calibration(
            model=measurement.model,
            origin=calibration.origin,
            measured_on=measurement.measured_on,
            questions=len(outcomes),
            ece=round(outcomes.ece, _DIGITS),
            ece_interval=pb.Interval(**_rounded(asdict(outcomes.ece_interval))),
            reliability=[_bin(each) for each in outcomes.reliability],
            risk_coverage=[pb.RiskPoint(**_rounded(asdict(each))) for each in outcomes.risk_coverage],
            thresholds=thresholds(bounds),
        )
    )


def _bin(one: ReliabilityBin) -> pb.ReliabilityBin:
    return pb.ReliabilityBin(
        score_from=round(one.score_from, _DIGITS),
        score_to=round(one.score_to, _DIGITS),
        mean_score=round(one.mean_score, _DIGITS),
        right=round(one.right, _DIGITS),
        questions=one.questions,
    )


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in values.items()}
