"""Documents from passages."""

from services.query.domain.retrieval.ranking import documents
from tests.unit.query.given import a_passage

LONG = "Refunds take five working days after the return has arrived at our warehouse in the north."


def test_a_document_counts_as_its_best_passage() -> None:
    """Its other passages neither lift nor sink it."""
    found = documents(
        [
            a_passage("one", document="doc_a", ordinal=1, score=0.3),
            a_passage("two", document="doc_a", ordinal=2, score=0.6),
            a_passage("three", document="doc_b", score=0.5),
        ],
        4,
    )
    assert [(each.passages[0].document_id, each.score) for each in found] == [("doc_a", 0.6), ("doc_b", 0.5)]
    assert [passage.ordinal for passage in found[0].passages] == [2, 1]


def test_a_document_that_repeats_another_is_left_out() -> None:
    """Nearly the same text makes no second source."""
    found = documents(
        [
            a_passage(LONG, document="doc_a", score=0.6),
            a_passage(LONG + "\n", document="doc_b", score=0.59),
            a_passage("Something else.", document="doc_c", score=0.2),
        ],
        2,
    )
    assert [each.passages[0].document_id for each in found] == ["doc_a", "doc_c"]


def test_equal_scores_rank_by_document_and_place() -> None:
    """The order depends on nothing but the passages."""
    passages = [a_passage(f"text {name}", document=name, score=0.5) for name in ("doc_c", "doc_a", "doc_b")]
    assert documents(passages, 9) == documents(passages[::-1], 9)
