"""The best passages, and the documents that they make."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import documents, reordered
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


QUESTION = "How do I export shared notes?"
COSINES = (0.1, 0.5)
PLAIN = a_passage("Weather is fine. Nobody minds it.", document="doc_plain", title="Weather")
PLAIN = replace(PLAIN, cosines=COSINES)


@pytest.mark.parametrize(
    "better",
    [
        replace(PLAIN, dense=0.6),
        replace(PLAIN, lexical=6.0),
        replace(PLAIN, cosines=(0.1, 0.55)),
        replace(PLAIN, title="Export"),
        replace(PLAIN, text="Weather is fine. Nobody exports it."),
        replace(PLAIN, title="How do"),
    ],
    ids=["cosine", "BM25", "its best sentence", "a word above it", "a word of a sentence", "neighbours"],
)
def test_each_part_of_a_score_counts(better: Passage) -> None:
    """Of two passages that are alike but for it, the one that has more of it is first."""
    better = replace(better, document_id="doc_z", chunk_id="doc_z-0")
    first, second = reordered(QUESTION, [PLAIN, better])
    assert first.document_id == "doc_z"
    assert first.score > second.score


def test_a_word_counts_more_together_with_others_in_one_sentence() -> None:
    """Words of a question that stand apart are less of an answer."""
    together = a_passage("Export all shared notes here. Nobody minds.", document="doc_z", title="")
    apart = a_passage("Export all shared here. Nobody minds notes.", document="doc_a", title="")
    assert reordered("notes export", [apart, together])[0].document_id == "doc_z"


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    """What all passages hold tells none of them apart."""
    common = [a_passage(f"Notes {n}.", document=f"doc_{n}", title="") for n in range(6)]
    rare = a_passage("Webhooks.", document="doc_z", title="")
    assert reordered("notes webhooks", [*common, rare])[0] == replace(
        rare, score=reordered("notes webhooks", [*common, rare])[0].score
    )


def test_a_second_passage_lifts_its_document() -> None:
    """Its best passage alone, and by little."""
    rival = replace(PLAIN, document_id="doc_b", chunk_id="b")
    alone = reordered(QUESTION, [PLAIN, rival])
    second = replace(PLAIN, chunk_id="second", ordinal=1, dense=0.4)
    one, other, third = reordered(
        QUESTION, [replace(PLAIN, document_id="doc_b", chunk_id="b"), PLAIN, second]
    )
    assert alone[0].score == alone[1].score
    assert [one.document_id, other.document_id, third.chunk_id] == ["doc_plain", "doc_b", "second"]
    assert 0 < one.score - other.score < 0.05
    assert other.score == alone[0].score


@pytest.mark.parametrize("question", [QUESTION, "?", "", "x" * 8_000, "the of and"])
def test_a_score_is_between_0_and_1(question: str) -> None:
    """For a passage that has everything, and for one that has nothing."""
    everything = a_passage(question, document="doc_all", title=question, dense=1.0, lexical=9.0)
    everything = replace(everything, cosines=(1.0,) * len(everything.units))
    nothing = a_passage("", document="doc_no", title="", dense=0.0, lexical=0.0)
    scores = [each.score for each in reordered(question, [everything, nothing])]
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert [each.score for each in reordered(question, [nothing])] == [0.0]
    assert reordered(question, []) == []


MIXED = st.lists(
    st.builds(
        a_passage,
        st.sampled_from(["Export notes.", "Share the notes. Export shared notes.", "Weather.", ""]),
        document=st.sampled_from(["doc_a", "doc_b", "doc_c"]),
        ordinal=st.integers(0, 9),
        dense=st.sampled_from([0.2, 0.5]),
        lexical=st.sampled_from([0.0, 3.0]),
    ),
    max_size=8,
    unique_by=lambda passage: passage.chunk_id,
)


@given(MIXED, st.randoms(use_true_random=False))
def test_the_order_depends_on_the_passages_alone(passages: list[Passage], random: Random) -> None:
    """In whatever order the search returns them, ties included; none is lost."""
    shuffled = random.sample(passages, len(passages))
    found = reordered(QUESTION, passages)
    assert reordered(QUESTION, shuffled) == found
    assert sorted(each.chunk_id for each in found) == sorted(each.chunk_id for each in passages)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
