"""What is quoted, and how much of it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.query.domain.compose import compose
from services.query.domain.extraction.extract import Extract, extract
from services.query.domain.extraction.scoring import announces
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import documents
from services.query.domain.units import Kind
from tests.unit.query.given import EXPORT, a_passage
from tests.unit.query.test_compose import PASSAGES, QUESTIONS


def extracted(question: str, *passages: Passage, limit: int = 400) -> Extract:
    """Return the extract of passages."""
    return extract(question, documents(passages, 9), passages, limit)


def answer(question: str, *passages: Passage, limit: int = 400) -> str:
    """Return it as a text."""
    candidates = documents(passages, 9)
    return compose(extract(question, candidates, passages, limit).quotes, candidates).text


@settings(max_examples=300, deadline=None)
@given(QUESTIONS, PASSAGES, st.integers(100, 2_000))
def test_the_limit_holds(question: str, passages: list[Passage], limit: int) -> None:
    """
    With markers; only a list, a table, code or what is announced is longer. No quote is empty or reversed.
    One passage per document is quoted, no character twice.
    """
    found = extracted(question, *passages, limit=limit)
    text = answer(question, *passages, limit=limit)
    within = [
        (unit.kind, announces(quote.passage.text[unit.start : unit.end]))
        for quote in found.quotes
        for unit in quote.passage.quotable
        if unit.start < quote.end and quote.start < unit.end
    ]
    assert len(text) <= limit or any(kind is not Kind.SENTENCE or leads for kind, leads in within)
    assert sum(quote.length for quote in found.quotes) <= max(limit, round(1.4 * limit))
    assert all(0 <= quote.start < quote.end <= len(quote.passage.text) for quote in found.quotes)
    assert all(quote.text == quote.text.strip() for quote in found.quotes)
    assert all(quote.breaks[0] == quote.start and quote.breaks[-1] < quote.end for quote in found.quotes)
    quoted = {(quote.passage.document_id, quote.passage.chunk_id) for quote in found.quotes}
    assert len(quoted) == len({document for document, _ in quoted})
    for at, one in enumerate(found.quotes):
        assert not any(one.overlaps(other) for other in found.quotes[at + 1 :])
    assert 0 <= found.support <= 1
    assert found.doubt >= 0


def test_a_sentence_is_cut_where_a_clause_ends() -> None:
    """Dots say that it goes on; they are no part of the citation."""
    long = "Notes are exported in the settings, " + "where you find much more of it, " * 20 + "and so on."
    passage = a_passage(long)
    candidates = documents([passage], 4)
    found = extract("Where are notes exported?", candidates, [passage], 100)
    draft = compose(found.quotes, candidates)
    (quote,) = found.quotes
    assert quote.cut
    assert quote.text.endswith("much more of it")
    assert draft.text == f"{quote.text} … [1]"
    assert [(each.start, each.end) for each in draft.citations] == [(0, quote.length)]
    assert len(draft.text) <= 100


def test_without_a_clause_a_word_ends_it() -> None:
    """Without words, the room."""
    text = answer("notes?", a_passage("notes " * 100), limit=100)
    assert text.removesuffix(" … [1]").split() == ["notes"] * 15
    assert answer("x?", a_passage("x" * 900), limit=100) == "x" * 92 + " … [1]"


def test_a_full_answer_takes_no_more() -> None:
    """What stands alone but has no room left, is left out, not cut to nothing."""
    steps = "".join(f"- Export notes {n} now.\n" for n in range(6))
    others = "".join(f"- Export notes {n} then.\n" for n in "abc")
    long = a_passage(f"Do this to export notes:\n\n{steps}", score=0.6)
    other = a_passage(f"Or export notes so:\n\n{others}", document="doc_b", score=0.6)
    for limit in range(100, 300, 10):
        found = extracted("How do I export notes?", long, other, limit=limit)
        assert found.quotes
        assert all(quote.length >= 20 for quote in found.quotes)
        assert not any(quote.cut for quote in found.quotes)


def test_two_short_sentences_keep_the_limit_too() -> None:
    """A bare "No." brings its reason only where both fit, markers included."""
    reason = "We never sell data, " + "not today, " * 7 + "no."
    passage = replace(a_passage(f"No. {reason}", headings=("Do you sell my data?",)), cosines=(0.9, 0.1))
    whole = f"No. {reason} [1]"
    assert answer("Do you sell my data?", passage, limit=len(whole) + 4) == whole
    assert len(answer("Do you sell my data?", passage, limit=len(whole) - 2)) <= len(whole) - 2


def test_one_passage_of_a_document_is_quoted() -> None:
    """Also where another one answers as well; other documents are quoted, too."""
    one = a_passage("Notes are exported as PDF.", ordinal=1, score=0.6)
    two = a_passage("Notes are exported as HTML.", ordinal=2, score=0.6)
    three = a_passage("Notes are exported as text too.", document="doc_b", score=0.6)
    quoted = [each.passage.chunk_id for each in extracted("Notes are exported as?", one, two, three).quotes]
    assert sorted(quoted) == ["doc_a-1", "doc_b-0"]


def test_support_grows_with_what_is_quoted() -> None:
    """It is what all units quoted have of the probability; 1 where there is but one."""
    assert extracted("notes?", a_passage("Notes.")).support == pytest.approx(1.0)
    page = a_passage("Notes are exported as PDF. Notes are shared. Weather is fine.")
    page = replace(page, cosines=(0.5, 0.5, 0.5))
    both, narrow = extracted("Notes?", page), extracted("Notes?", page, limit=40)
    assert len(narrow.quotes) == 1
    assert narrow.support < both.support < 1


def test_doubt_is_how_evenly_it_is_spread() -> None:
    """None where there is one unit; a third of the entropy of equal ones."""
    assert extracted("notes?", a_passage("Notes.")).doubt == pytest.approx(0)
    equal = replace(a_passage("Alpha word here. Gamma word here."), cosines=(0.5, 0.5))
    assert extracted("what?", equal).doubt == pytest.approx(0.693147 / 3, abs=1e-3)


def test_enough_is_enough() -> None:
    """Where one sentence is nearly certain to answer, nothing is added."""
    page = replace(a_passage("The trial lasts 21 days. The trial is a trial of 30 days."), cosines=(0.9, 0.2))
    assert answer("How long does the trial last?", page) == "The trial lasts 21 days. [1]"
    close = replace(page, cosines=(0.5, 0.5))
    assert len(extracted("How long is the trial?", close).quotes) == 1
    assert "30 days" in answer("How long is the trial?", close)


def test_passages_without_sentences_are_quoted_as_they_are() -> None:
    """A heading alone is better than nothing."""
    page = a_passage("# Exporting all the notes", title="")
    assert page.units == ()
    assert answer("Notes?", page) == "# Exporting all the notes [1]"


@pytest.mark.parametrize("limit", [100, 400, 2_000])
def test_behind_blank_passages_the_beginning_is_quoted(limit: int) -> None:
    """Of the best one that is not blank, as much as fits an answer and an excerpt; nothing supports it."""
    blank = [a_passage(" \n", ordinal=at, score=0.9) for at in range(2)]
    page = a_passage("\n Notes go on, " + "and on, " * 200, ordinal=2, score=0.5)
    found = extracted("Notes?", *blank, page, limit=limit)
    (quote,) = found.quotes
    assert quote.text.startswith("Notes go on, and on")
    assert found.support == 0.0
    assert len(answer("Notes?", *blank, page, limit=limit)) <= min(limit, 568)


def test_what_was_said_is_not_said_again() -> None:
    """By another document, in nearly the same words."""
    one = a_passage("Exported notes are in the folder. Sun shines on it.", document="doc_a", score=0.6)
    two = a_passage("Exported notes are in the folder! Rain is on the hills.", document="doc_b", score=0.6)
    assert len(documents([one, two], 9)) == 2
    assert answer("Where are exported notes?", one, two).count("Exported notes") == 1


def test_a_list_supports_with_all_its_items() -> None:
    """What is within a quote counts as quoted."""
    found = extracted("How do I export my notes?", EXPORT)
    assert len(found.quotes) == 1
    assert found.support > 0.9


@pytest.mark.parametrize("text", ["", " ", "\n\t\n"])
def test_blank_passages_give_nothing(text: str) -> None:
    """No quote, no support."""
    assert extracted("notes?", a_passage(text)) == Extract([], 0.0, 0.0)
    assert extracted("notes?") == Extract([], 0.0, 0.0)


@pytest.mark.parametrize("length", [540, 552, 555, 556, 560, 563, 570, 900])
def test_code_of_any_length_leaves_no_fence_open(length: int) -> None:
    """Either both fences are quoted or none."""
    code = "```sh\n" + "notes export --all\n" * 60
    code = code[: length - 4].rstrip("\n").ljust(length - 4, "x") + "\n```"
    assert len(code) == length
    text = answer("Which command exports all notes?", a_passage(code))
    assert text.count("```") in (0, 2)
    assert text.count("```") == 2 * (length <= 560)
