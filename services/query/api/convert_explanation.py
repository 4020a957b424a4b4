"""From an explanation to protobuf messages."""

from dataclasses import asdict

from supportagent.query.v1 import query_service_pb2 as pb

from services.query.domain.explanation import ExplainedPassage, Explanation, Thresholds

_DIGITS = 4


def explanation(told: Explanation) -> pb.Explanation:
    """Return an explanation; its numbers have four digits, as scores do elsewhere."""
    return pb.Explanation(
        question=told.question,
        passages=[_passage(each) for each in told.passages],
        features={name: round(value, _DIGITS) for name, value in told.features.items()},
        thresholds=thresholds(told.thresholds),
        milliseconds={name: round(value, _DIGITS) for name, value in told.milliseconds.items()},
        fallback=told.fallback,
    )


def thresholds(bounds: Thresholds) -> pb.Thresholds:
    """Return the bounds that a confidence is held against."""
    return pb.Thresholds(**asdict(bounds))


def _passage(passage: ExplainedPassage) -> pb.ExplainedPassage:
    return pb.ExplainedPassage(
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        title=passage.title,
        heading_path=passage.heading_path,
        kind=passage.kind,
        score=round(passage.score, _DIGITS),
        scores=pb.Scores(dense=round(passage.dense, _DIGITS), lexical=round(passage.lexical, _DIGITS)),
        best_sentence=round(passage.best_sentence, _DIGITS),
        used=passage.used,
    )
