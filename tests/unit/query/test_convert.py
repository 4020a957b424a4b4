"""From answers to messages."""

from dataclasses import replace

from supportagent.query.v1 import query_service_pb2 as pb

from services.query.api import convert
from services.query.domain.answer import Answer, Confidence
from services.query.domain.explanation import ExplainedPassage, Explanation, Thresholds

ANSWER = Answer("Yes.", True, "", Confidence(0.5, "medium"), (), (), "conv_1", "msg_1", 7)
EXPLANATION = Explanation(
    question="When does the Pro plan renew?",
    passages=(
        ExplainedPassage(
            document_id="doc_1",
            chunk_id="doc_1-0",
            title="Plans",
            heading_path=("Pro", "Renewal"),
            kind="answer",
            score=0.123456,
            dense=0.5,
            lexical=7.25,
            best_sentence=0.75,
            used=True,
        ),
    ),
    features={"dense": 0.654321},
    thresholds=Thresholds(0.25, 0.125, 0.4, 0.7, "v1"),
    milliseconds={"search": 1.5},
    fallback="TIMEOUT",
)


def test_an_explanation_is_told_whole() -> None:
    """Every field arrives where it belongs."""
    told = convert.query_response(replace(ANSWER, explanation=EXPLANATION)).explanation
    assert told == pb.Explanation(
        question="When does the Pro plan renew?",
        passages=[
            pb.ExplainedPassage(
                document_id="doc_1",
                chunk_id="doc_1-0",
                title="Plans",
                heading_path=["Pro", "Renewal"],
                kind="answer",
                score=0.1235,
                scores=pb.Scores(dense=0.5, lexical=7.25),
                best_sentence=0.75,
                used=True,
            )
        ],
        features={"dense": 0.6543},
        thresholds=pb.Thresholds(
            min_confidence=0.25, relevant=0.125, medium_from=0.4, high_from=0.7, model="v1"
        ),
        milliseconds={"search": 1.5},
        fallback="TIMEOUT",
    )


def test_no_explanation_is_none() -> None:
    """An answer that was not asked to explain itself has no such field."""
    assert not convert.query_response(ANSWER).HasField("explanation")


def test_escalation_is_told() -> None:
    """As the answer has it."""
    assert not convert.query_response(ANSWER).escalation_suggested
    assert convert.query_response(replace(ANSWER, escalation_suggested=True)).escalation_suggested


def test_explain_is_asked_for() -> None:
    """By both ways to ask; absent, it is not."""
    assert convert.question(pb.QueryRequest(message="a", explain=True)).explain
    assert convert.question(pb.StreamQueryRequest(message="a", explain=True)).explain
    assert not convert.question(pb.QueryRequest(message="a")).explain
