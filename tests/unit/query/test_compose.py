"""Extractive answers: whatever the passages, what is cited stands in them word for word."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from services.query.domain.answer import Draft
from services.query.domain.compose import EXCERPT_CHARACTERS, compose, excerpt, nearest
from services.query.domain.extraction.extract import ANSWER_CHARACTERS, extract
from services.query.domain.passage import Passage
from services.query.domain.retrieval.ranking import documents
from tests.unit.query.given import EXPORT, PLANS, a_passage

_WORDS = ["notes", "export", "the", "plan", "renews", "12", "on", "e.g.", "Yes", "𝄞", "ü", "[1]", "**bold**"]
_MARKS = [". ", "! ", "? ", ": ", "\n", "\n\n", "\n- ", "\n1. ", "\n| ", "\n```\n", "\n# ", " ", "  ", "\t"]
TEXTS = st.lists(st.sampled_from(_WORDS + _MARKS + _MARKS) | st.text(max_size=5), max_size=120).map("".join)
LONG_TEXTS = st.builds(lambda text, times: (text + " ") * times, TEXTS, st.integers(1, 30))
PASSAGES = st.lists(
    st.builds(
        a_passage,
        TEXTS | LONG_TEXTS,
        document=st.sampled_from(["doc_a", "doc_b", "doc_c", "doc_d", "doc_e"]),
        ordinal=st.integers(0, 50),
        title=st.sampled_from(["", "Export notes", "Plans"]),
        headings=st.sampled_from([(), ("How to export notes",)]),
        score=st.floats(-0.2, 1),
        dense=st.floats(-1, 1),
        lexical=st.floats(0, 30),
    ),
    max_size=12,
    unique_by=lambda passage: passage.chunk_id,
)
QUESTIONS = st.sampled_from(
    ["How do I export notes?", "When does the plan renew?", "?", "notes", "Is it 12?"]
)


def drafted(question: str, passages: list[Passage], most: int) -> Draft:
    """Return the answer to a question from passages."""
    candidates = documents(passages, most)
    return compose(extract(question, candidates, passages).quotes, candidates)


@settings(max_examples=300, deadline=None)
@given(QUESTIONS, PASSAGES, st.integers(1, 10))
def test_every_citation_quotes_its_source(question: str, passages: list[Passage], most: int) -> None:
    """
    A citation's span stands in its source's passage and excerpt; a marker follows each; sources are numbered
    from 1, one per document; the answer is short, and the same each time.
    """
    draft = drafted(question, passages, most)
    texts = {passage.chunk_id: passage.text for passage in passages}
    assert [source.index for source in draft.sources] == list(range(1, len(draft.sources) + 1))
    assert len(draft.sources) <= most
    assert len({source.document_id for source in draft.sources}) == len(draft.sources)
    assert all(len(source.excerpt) <= EXCERPT_CHARACTERS for source in draft.sources)
    assert all(0 <= source.score <= 1 for source in draft.sources)

    at = 0
    for citation in draft.citations:
        quoted = draft.text[citation.start : citation.end]
        source = draft.sources[citation.source_index - 1]
        assert at <= citation.start < citation.end
        assert quoted
        assert quoted in texts[source.chunk_id]
        assert quoted in source.excerpt
        assert re.match(rf"(?: …)?\s\[{source.index}\](?!\S)", draft.text[citation.end :])
        at = citation.end
    assert len(draft.citations) == len([piece for piece in draft.pieces if piece.citations])
    assert sum(each.end - each.start for each in draft.citations) <= 1.4 * ANSWER_CHARACTERS
    usable = [passage for candidate in documents(passages, most) for passage in candidate.passages]
    assert bool(draft.text) == any(passage.text.strip() for passage in usable)
    assert drafted(question, list(reversed(passages)), most) == draft


@given(TEXTS, st.data())
def test_an_excerpt_holds_what_is_quoted(text: str, data: st.DataObject) -> None:
    """Near spans stand in one stretch of the passage."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + EXCERPT_CHARACTERS)))
    cut = excerpt(text, [(start, end)])
    assert text[start:end] in cut
    assert cut in text
    assert len(cut) <= EXCERPT_CHARACTERS


def test_an_answer_is_the_sentence_and_its_marker() -> None:
    """What answers comes alone, not the page around it."""
    draft = drafted("When does the Pro plan renew?", [PLANS], 4)
    assert draft.text.startswith("The Pro plan ")
    assert "The Pro plan renews on the third day of each month." in draft.text
    assert draft.text.endswith(" [1]")
    assert draft.citations[0].start == 0


def test_a_list_that_answers_stays_whole() -> None:
    """Steps come with what leads into them, in one citation."""
    draft = drafted("How do I export my notes?", [EXPORT], 4)
    assert draft.text == EXPORT.text.rstrip() + " [1]"
    assert [(each.start, each.end) for each in draft.citations] == [(0, len(EXPORT.text.rstrip()))]
    assert [piece.text.strip("\n -") for piece in draft.pieces][1] == "Open the settings."


def test_code_that_answers_stays_whole() -> None:
    """A piece of code is not cut, and its marker stands on a line of its own."""
    passage = a_passage("Run this command to export notes:\n\n```sh\nnotes export --all\n```\n\nWait.")
    draft = drafted("How do I export notes with a command?", [passage], 4)
    assert "```sh\nnotes export --all\n```\n[1]" in draft.text


def test_what_only_leads_into_something_is_not_added() -> None:
    """A sentence that ends in a colon comes with what it announces or not at all."""
    passage = a_passage("Notes can be exported at any time in the settings.\n\nBefore you export notes:\n")
    text = drafted("How do I export notes in the settings?", [passage], 4).text
    assert text == "Notes can be exported at any time in the settings. [1]"


def test_a_bare_no_brings_its_reason() -> None:
    """A yes or no comes with the sentence after it."""
    passage = a_passage("No. We never sell data.", headings=("Do you sell my data?",))
    assert drafted("Do you sell my data?", [passage], 4).text == "No. We never sell data. [1]"


def test_another_section_is_not_added_for_its_words() -> None:
    """What stands below another heading speaks of something else, whatever words it shares."""
    passage = a_passage(
        "The trial lasts 21 days.\n\n## A second trial\n\nOne company gets one trial.", title="The trial"
    )
    assert drafted("How long does the trial last?", [passage], 4).text == "The trial lasts 21 days. [1]"


def test_a_step_is_not_added_without_its_list() -> None:
    """Of numbered steps all are quoted or none."""
    steps = "1. Open the notes.\n2. Export the notes.\n3. Wait for the notes."
    passage = a_passage(f"Notes can be exported.\n\n{steps}\n", title="Notes")
    assert drafted("Can notes be exported?", [passage], 4).text == "Notes can be exported. [1]"
    assert drafted("How do I export notes?", [passage], 4).text.endswith(f"{steps} [1]")


def test_an_item_is_not_added_without_its_list() -> None:
    """Half a sentence of a list says nothing alone."""
    passage = a_passage("Guests read pages.\n\nGuests lack:\n\n- pages for export\n- shared pages\n")
    assert drafted("Do guests have pages?", [passage], 4).text == "Guests read pages. [1]"


def test_what_goes_on_brings_what_it_goes_on_with() -> None:
    """A sentence that begins with "otherwise" comes with the one before it."""
    text = "Please be quick. Otherwise the webhook is retried."
    assert drafted("When is a webhook retried?", [a_passage(text)], 4).text == f"{text} [1]"


def test_a_section_is_read_with_its_title() -> None:
    """A heading that asks only together with the page's title leads to its steps."""
    steps = "1. Open the billing page.\n2. Choose the last button."
    passage = a_passage(
        f"A subscription runs for a year.\n\n## How to cancel\n\n{steps}\n", title="Your subscription"
    )
    assert drafted("How do I cancel my subscription?", [passage], 4).text == f"{steps} [1]"


def test_a_table_is_judged_by_one_row() -> None:
    """Words that stand in different rows of a table are no answer."""
    table = "| Light | Meaning |\n| --- | --- |\n| green | reset |\n| white | factory |\n| red | hub |"
    one = a_passage("Hold the button of the hub for a factory reset.", document="doc_reset", score=0.5)
    other = a_passage(table, document="doc_light", score=0.5)
    text = drafted("How is the hub set to a factory reset?", [one, other], 4).text
    assert text.startswith("Hold the button")


def test_of_a_long_table_the_rows_around_the_answer_come_with_its_head() -> None:
    """Rows are whole, the one that answers is among them, and only rows are cited."""
    head = "| Code | Meaning |\n| --- | --- |"
    rows = [f"| E-{number} | fault of part number {number} |" for number in range(100, 150)]
    draft = drafted("What does E-148 mean?", [a_passage("\n".join([head, *rows]))], 4)
    lines = draft.text.split("\n")
    assert "\n".join(lines[:2]) == head
    assert lines[-1] == "[1]"
    assert rows[48] in lines
    assert set(lines[2:-1]) <= set(rows)
    assert draft.citations[0].start == len(head) + 1


def test_cut_code_leaves_no_fence_open() -> None:
    """What follows a piece of code that was too long is no code."""
    code = "```sh\n" + "notes export --all\n" * 50 + "```"
    text = drafted("Which command exports all notes?", [a_passage(code)], 4).text
    assert text.startswith("notes export --all\n")
    assert "```" not in text


def test_a_sentence_without_end_is_cut() -> None:
    """Even a run-on sentence fits an excerpt."""
    draft = drafted("export", [a_passage("export " * 500)], 4)
    assert len(draft.text) < EXCERPT_CHARACTERS
    assert draft.citations


def test_quotes_that_stand_far_apart_are_both_in_the_excerpt() -> None:
    """What lies between them gives way."""
    near, far = "Export notes in the settings.", "Exported notes are in the export folder."
    filler = "Weather is fine here and nobody minds. " * 30
    draft = drafted(
        "How do I export notes and where are exported notes?", [a_passage(near + " " + filler + far)], 4
    )
    quoted = [draft.text[each.start : each.end] for each in draft.citations]
    assert quoted == [near, far]
    assert draft.sources[0].excerpt == f"{near} … {far}"


def test_what_nothing_is_quoted_of_keeps_its_beginning() -> None:
    """The excerpt of a nearest source is the passage's beginning."""
    source = nearest(documents([a_passage("word " * 200)], 4))[0]
    assert len(source.excerpt) <= EXCERPT_CHARACTERS
    assert source.excerpt.startswith("word word")
