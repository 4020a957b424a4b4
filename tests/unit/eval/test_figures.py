"""From records to figures."""

from typing import Any

import pytest

from tests.eval.figures import POOLED, figures_of
from tests.eval.record import Held, Rank, Record


def record(name: str, variant: str = "", **more: Any) -> Record:
    """Return the record of an answerable question, right and sure of it unless said otherwise."""
    usual = {"answerable": True, "score": 0.8, "right": True, "answered": True, "length": 350}
    return Record(name, "tea", variant, "test", **{**usual, **more})


def test_rankings_are_means_of_those_that_have_gold() -> None:
    """The hybrid is held against the better of its halves, question by question."""
    records = [
        record("1", ranks={"bm25": Rank(1, 1, 1), "dense": Rank(0.5, 1, 0), "hybrid": Rank(1, 1, 1)}),
        record("2", ranks={"bm25": Rank(0, 0, 0), "dense": Rank(0.6, 1, 0), "hybrid": Rank(0.4, 1, 0)}),
        record("3"),
    ]
    found = figures_of(records)["tea"]
    assert found["bm25 nDCG@10"].value == 0.5
    assert found["hybrid R@10"].value == 1
    assert found["hybrid hit@1"].count == 2
    # Dense is the better half: .55 on the mean.
    assert found["hybrid above its better half, nDCG@10"].value == pytest.approx(0.15)


def test_answers_that_hold_gold_are_counted_up_to_a_length() -> None:
    """Of the answerable questions with gold strings; a long answer that holds one does not count as short."""

    def held(gold: bool, length: int) -> dict[str, Held]:
        return {"300": Held(gold, length), "400": Held(True, length + 100)}

    records = [
        record("1", holds_gold=True, length=250, at_lengths=held(True, 300)),
        record("2", holds_gold=True, at_lengths=held(True, 301)),
        record("3", holds_gold=False, length=100, at_lengths=held(False, 90)),
        record("4", holds_gold=None),
        record("5", holds_gold=False, answerable=False),
    ]
    found = figures_of(records)["tea"]
    assert found["holds gold"].value == pytest.approx(2 / 3)
    assert found["holds gold, set to 300 characters"].value == pytest.approx(1 / 3)
    assert found["holds gold, set to 400 characters"].value == pytest.approx(2 / 3)
    assert found["mean length, set to 300"].value == pytest.approx((300 + 301 + 90) / 3)
    assert found["mean length"].value == pytest.approx((250 + 350 + 100 + 350) / 4)
    few = [record(str(number)) for number in range(3)]
    assert "holds gold" not in figures_of([*few, record("4", holds_gold=True)])["tea"]


def test_citations_count_by_answer() -> None:
    """An answer is good when each of its citations quotes; one without citations is not asked."""
    records = [
        record("1", citations=2, valid_citations=2),
        record("2", citations=2, valid_citations=1),
        record("3"),
    ]
    figure = figures_of(records)["tea"]["every citation quotes its source"]
    assert (figure.value, figure.count) == (0.5, 2)


def test_silence_is_counted_for_both_kinds() -> None:
    """Shares answered of what can and can't be, the order of the scores, and the wrong answers."""
    no: dict[str, Any] = {"answerable": False, "right": False}
    records = [
        record("1", score=0.9),
        record("2", score=0.3, answered=False, right=False),
        record("3", score=0.5, **no),
        record("4", score=0.1, answered=False, **no),
        record("5", answerable=None, right=False),
    ]
    found = figures_of(records)["tea"]
    assert found["answered of answerable"].value == 0.5
    assert found["answered of unanswerable"].value == 0.5
    assert found["AUROC"].value == 0.75
    assert found["wrong of answered"].value == 0.5
    assert found["ECE"].count == 4


def test_calibration_is_pooled_over_all_cases() -> None:
    """Each case has its own error, and all questions together one."""
    records = [record("1"), record("2", "half withheld", answerable=False, right=False)]
    found = figures_of(records)
    assert set(found) == {"tea", "tea, half withheld", POOLED}
    assert found["tea"]["ECE"].value == pytest.approx(0.2)
    assert found["tea, half withheld"]["ECE"].value == pytest.approx(0.8)
    assert found[POOLED]["ECE"].count == 2
    assert found[POOLED]["coverage with at most 5% wrong"].value == 0
    assert "AUROC" not in found["tea"]
