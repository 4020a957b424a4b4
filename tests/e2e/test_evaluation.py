"""The evaluation of a running system, on a set of six pages."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.system import System
from tests.eval import report
from tests.eval.cases import TEST, WITHHELD, first_byte, part_of
from tests.eval.dataset import read_set
from tests.eval.figures import POOLED, figures_of
from tests.eval.run import run
from tests.unit.eval.sets import write_set

# Product, page, question, gold string.
TEXTS = [
    ("leaf", "An opened tin can be returned within 17 days.", "How long can I return a tin?", "17 days"),
    ("leaf", "Parcels leave our house in Ghent each morning.", "Where do parcels leave from?", "Ghent"),
    (
        "leaf",
        "The link to a new password is valid for 40 minutes.",
        "How long is the link valid?",
        "40 minutes",
    ),
    ("pot", "A cracked teapot is mended free of charge in Delft.", "Where is my teapot mended?", "Delft"),
    ("pot", "Vouchers never lapse.", "When does a voucher lapse?", "never lapse"),
    ("pot", "The choir meets in the cellar on Thursdays.", "When does the choir meet?", "on Thursdays"),
]


def test_a_small_set_is_evaluated(system: System, tmp_path: Path) -> None:
    """Each case is loaded and asked, and every kind of figure comes out."""
    folder = write_set(
        tmp_path / "shops",
        [
            {"_id": f"p{number}", "title": f"{product} {number}", "text": text, "product": product}
            for number, (product, text, _, _) in enumerate(TEXTS)
        ],
        [
            *(
                {"_id": f"q{number}", "text": question, "answers": [gold], "answerable": True}
                for number, (_, _, question, gold) in enumerate(TEXTS)
            ),
            {"_id": "none", "text": "What is the capital of Peru?", "answerable": False},
            {
                "_id": "follow",
                "text": "And when?",
                "answers": ["on Thursdays"],
                "history": [
                    {"role": "user", "text": "Does the choir meet?"},
                    {"role": "assistant", "text": "Yes."},
                ],
            },
        ],
        [*((f"q{number}", f"p{number}", 1) for number in range(len(TEXTS))), ("follow", "p5", 1)],
    )
    said: list[str] = []
    evaluation = run(system, [read_set(folder)], said.append)

    names = ["shops", "shops, leaf alone", "shops, pot alone", f"shops, {WITHHELD}"]
    assert list(evaluation.loadings) == names
    pages = [evaluation.loadings[name].pages for name in names]
    assert pages == [6, 3, 3, sum(first_byte(f"p{number}") % 2 for number in range(6))]
    assert [record.error for record in evaluation.records] == [""] * (8 + 3 * 7)
    whole = [record for record in evaluation.records if not record.variant]
    assert [record.id for record in whole] == [*(f"q{number}" for number in range(6)), "none", "follow"]
    assert all(record.valid_citations == record.citations > 0 for record in whole if record.right)

    figures = figures_of(evaluation.records)
    assert set(figures) == {*names, POOLED}
    shops = figures["shops"]
    for by in ("bm25", "dense", "hybrid"):
        assert shops[f"{by} nDCG@10"].count == 7
    assert shops["hybrid nDCG@10"].value > 0.8
    assert shops["holds gold"].value > 0.8
    assert shops["holds gold, set to 300 characters"].count == 7
    assert shops["AUROC"].value > 0.8
    assert figures["shops, leaf alone"]["AUROC"].count == 7
    assert figures[POOLED]["ECE"].count == 29
    assert set(evaluation.costs) == {"shops"}
    assert set(evaluation.costs["shops"].kinds) == {"embedding", "search", "query", "http"}
    table = report.text(figures, evaluation.loadings, evaluation.costs)
    assert "| shops, leaf alone |" in table
    assert said


def test_a_part_is_asked_alone(system: System, tmp_path: Path) -> None:
    """Questions of the other part are not asked, and no more than wanted."""
    folder = write_set(
        tmp_path / "many",
        [{"_id": "p", "title": "Tea", "text": "Tea is kept in the cellar."}],
        [{"_id": str(number), "text": "Where is tea kept?"} for number in range(20)],
        [(str(number), "p", 1) for number in range(20)],
    )
    evaluation = run(system, [read_set(folder)], lambda _: None, part=TEST, most=3)
    assert len(evaluation.records) == 3
    assert {part_of(record.id) for record in evaluation.records} == {TEST}
