"""How likely units are to answer."""

from dataclasses import replace

import pytest

from services.query.domain.extraction.scoring import ScoredUnit, scored_units
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import documents
from services.query.domain.units import Kind
from tests.unit.query.given import a_passage


def scored(question: str, *passages: Passage) -> list[ScoredUnit]:
    """Return the units of passages."""
    return scored_units(question, documents(passages, 9), passages)


def best(question: str, *passages: Passage) -> str:
    """Return the unit that is likeliest to answer."""
    return max(scored(question, *passages), key=lambda each: each.probability).text


def test_probabilities_add_up_to_1() -> None:
    """Over all units of all passages that were looked at."""
    passages = [a_passage(f"Notes {n}. Export.", document=f"doc_{n}", score=n / 9) for n in range(9)]
    every = scored("How do I export notes?", *passages)
    assert sum(each.probability for each in every) == pytest.approx(1.0)
    assert all(0 <= each.probability <= 1 for each in every)


def test_four_documents_and_two_passages_of_each_are_looked_at() -> None:
    """The best ones."""
    passages = [
        a_passage("Notes.", document=f"doc_{n}", ordinal=k, title=str(n), score=0.9 - n / 10 - k / 50)
        for n in range(6)
        for k in range(3)
    ]
    passages = [replace(each, text=f"Notes {each.chunk_id}.", units=()) for each in passages]
    looked_at = {each.passage.chunk_id for each in scored("notes?", *passages)}
    assert looked_at == {f"doc_{n}-{k}" for n in range(4) for k in range(2)}


@pytest.mark.parametrize("passages", [(), (a_passage(" \n "),)])
def test_without_text_there_are_no_units(passages: tuple[Passage, ...]) -> None:
    """Blank passages have none."""
    assert scored("notes?", *passages) == []


def test_the_sentence_that_is_nearest_wins() -> None:
    """By its vector, where words tell nothing."""
    passage = replace(
        a_passage("Alpha is the first. Beta is the next. Gamma is the last."), cosines=(0.1, 0.7, 0.2)
    )
    assert best("what?", passage) == "Beta is the next."
    assert best("what?", replace(passage, cosines=(0.1, 0.2, 0.7))) == "Gamma is the last."


def test_a_better_passage_wins() -> None:
    """Its sentences, if they are alike."""
    one, other = (
        a_passage(f"Notes are here, {score}.", document=f"doc_{score}", title=str(score), score=score)
        for score in (0.3, 0.6)
    )
    first, second = sorted(scored("notes?", one, other), key=lambda each: -each.probability)
    assert first.passage.score == 0.6
    assert first.probability > second.probability


def test_the_expected_kind_of_answer_wins() -> None:
    """A number for "how many", a date for "when"."""
    passage = a_passage("The team has a few members. The team has 25 of members.")
    assert best("How many members?", replace(passage, cosines=(0.5, 0.5))).endswith("25 of members.")
    assert [each.wanted for each in scored("How many?", passage)] == [False, True]


def test_what_comes_behind_a_heading_that_asks_wins() -> None:
    """The nearest sentence below it; the heading may be the passage's own."""
    text = (
        "We do.\n\n## Do you sell my data?\n\nNever. We keep it here.\n\n## Else\n\nNever. We keep it there."
    )
    passage = a_passage(text)
    assert best("Do you sell my data?", replace(passage, cosines=(0.5,) * 5)) == "Never."
    every = {each.unit.start: each.probability for each in scored("Do you sell my data?", passage)}
    assert every[text.index("Never")] > every[text.rindex("Never")]
    first, second = scored("Sell my data?", a_passage("## Sell my data?\n\nIt is one here. It is one here."))
    assert first.probability > second.probability
    above = a_passage("We keep it here.", document="doc_a", headings=("Do you sell my data?",))
    other = a_passage("We keep it there.", document="doc_b", headings=("Something else",))
    assert best("Do you sell my data?", above, other) == "We keep it here."


def test_questions_and_lead_ins_are_no_answers() -> None:
    """They lose against a sentence that holds less."""
    assert best("How do notes sync?", a_passage("How do notes sync? Notes go around.")) == "Notes go around."
    passage = a_passage("The notes sync as follows:\n\nThe notes sync all day.")
    assert best("notes sync?", replace(passage, cosines=(0.5, 0.5))) == "The notes sync all day."
    assert [each.announces for each in scored("notes?", passage)] == [True, False]


@pytest.mark.parametrize(
    ("question", "bullets", "steps"),
    [
        ("How do I export notes?", True, True),
        ("Which formats are there?", True, False),
        ("What is a note?", False, False),
    ],
)
def test_a_list_that_is_wanted(question: str, bullets: bool, steps: bool) -> None:
    """Steps for "how", any list for questions that want several things; sentences are no items."""
    passage = a_passage("Notes are fine.\n\n- Alpha\n- Beta\n\nWell, then.\n\n1. Gamma\n2. Delta\n")
    by_text = {each.text: each for each in scored(question, passage)}
    assert by_text["Alpha"].list_wanted is bullets
    assert by_text["Gamma"].list_wanted is steps
    assert by_text["Gamma"].is_step
    assert not by_text["Alpha"].is_step
    assert not by_text["Notes are fine."].list_wanted


def test_a_table_is_judged_by_its_telling_row() -> None:
    """Its terms are the head's and that row's."""
    table = "| Plan | Price |\n| --- | --- |\n| Free | nothing |\n| Pro | 12 euros |"
    (unit,) = scored("How much is Pro?", a_passage(table))
    assert unit.unit.kind is Kind.TABLE
    assert {"pro", "12"} <= unit.terms
    assert "free" not in unit.terms
    assert unit.text == table


@pytest.mark.parametrize("question", ["?", "the of", "x" * 8_000, "what is " * 1_000, "𝄞" * 100])
def test_any_question_has_probabilities(question: str) -> None:
    """Also one without a word."""
    every = scored(question, a_passage("Notes. Export them.\n\n- one\n- two"))
    assert sum(each.probability for each in every) == pytest.approx(1.0)


def test_a_sentence_is_forgiven_a_better_one_in_its_passage() -> None:
    """Of two that are as near, the one in the passage that holds a nearer one is likelier."""
    one = replace(a_passage("Alpha is the first. Beta is the next.", document="doc_a"), cosines=(0.9, 0.5))
    other = replace(a_passage("Gamma is the last.", document="doc_b"), cosines=(0.5,))
    by_text = {each.text: each.probability for each in scored("what?", one, other)}
    assert by_text["Beta is the next."] > by_text["Gamma is the last."]
