"""Passages in a reranker's order."""

import pytest

from services.query.domain.retrieval.reranking import RerankModel, reranked
from tests.fakes.rerankers import FakeReranker
from tests.unit.query.given import a_passage

PASSAGES = (
    a_passage("about cats", document="doc_a", score=0.9, dense=0.8),
    a_passage("about dogs", document="doc_b", score=0.6, dense=0.7),
    a_passage("about birds", document="doc_c", score=0.2, dense=0.6),
)


def test_the_order_is_the_rerankers_and_the_scores_are_the_places() -> None:
    """Its own scale shows nowhere; all else of a passage stays."""
    found = reranked("dogs?", PASSAGES, FakeReranker({"dogs": 70.0, "cats": -5.0, "birds": 3.0}))
    assert [(each.document_id, each.score) for each in found] == [
        ("doc_b", 0.9),
        ("doc_c", 0.6),
        ("doc_a", 0.2),
    ]
    assert [each.dense for each in found] == [0.7, 0.6, 0.8]


def test_equal_scores_keep_their_order() -> None:
    """What the reranker can't tell apart, stays as it was."""
    assert reranked("dogs?", PASSAGES, FakeReranker({"about": 1.0})) == PASSAGES


@pytest.mark.parametrize("passages", [PASSAGES, ()])
def test_a_failure_keeps_the_order(passages: tuple[()]) -> None:
    """Answers go on without it."""
    assert reranked("dogs?", list(passages), FakeReranker()) == passages


def test_titles_and_headings_are_read_too() -> None:
    """A passage is reranked with what stands above it."""
    one, other = a_passage("same", document="doc_a"), a_passage("same", document="doc_b", headings=("Dogs",))
    titled = a_passage("same", document="doc_c", title="Dogs, and Dogs")
    found = reranked("dogs?", [one, other, titled], FakeReranker({"Dogs": 1.0, "Dogs,": 1.0}))
    assert [each.document_id for each in found] == ["doc_c", "doc_b", "doc_a"]


def test_what_is_wrong_with_a_model_is_listed() -> None:
    """All of it at once, and no key is shown."""
    model = RerankModel("ftp://x", "", key="se cret", timeout_seconds=31)
    assert [each.pointer for each in model.violations("/reranker")] == [
        "/reranker/base_url",
        "/reranker/model",
        "/reranker/key",
        "/reranker/timeout_seconds",
    ]
    assert "cret" not in repr(model) + repr(list(model.violations("")))
