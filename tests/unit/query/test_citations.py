"""Citations of answers that a language model wrote, whole or in part."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from services.query.domain.asking import Completed, Delta
from services.query.domain.generation.chat import Failure
from services.query.domain.question import Question
from services.query.domain.settings.answering import Answering
from services.query.domain.settings.language_model import LanguageModel
from tests.unit.query.given import ACME, EXPORT, PLANS, SYNC, TEAMS, World

_SENTENCES = [
    text[each.start : each.end]
    for text, each in ((page.text, each) for page in (PLANS, EXPORT, TEAMS, SYNC) for each in page.units)
]
_MADE_UP = ["The moon is made of cheese.", "Pro costs 99 dollars.", "No.", "Sure!", "I don't know.", "12"]
_MARKS = [
    "[1]",
    "[2]",
    "[4]",
    "[9]",
    "[0]",
    "【1】",
    "\n\n",
    "\n- ",
    "\n1. ",
    "\n# ",
    "\n```\n",
    "\n| a |\n",
    "**",
    "…",
]
TEXTS = st.lists(
    st.sampled_from(_SENTENCES) | st.sampled_from(_MADE_UP) | st.sampled_from(_MARKS) | st.text(max_size=4),
    max_size=25,
).map(" ".join)
MODEL = LanguageModel("http://127.0.0.1:1/v1", "gpt-test")
PASSAGES = {page.chunk_id: page for page in (PLANS, EXPORT, TEAMS, SYNC)}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["How much is Pro?", "How do I export notes?", "And?", "?"]),
    TEXTS,
    st.none() | st.sampled_from(Failure),
    st.integers(1, 40),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_citation_points_into_the_answer_and_to_a_source(
    message: str, text: str, failure: Failure | None, width: int, most: int, streamed: bool
) -> None:
    """
    Whatever a model writes and however it ends: citations come in order, cover text and no marker, and name
    a source; what is extracted stands in its passage; no other marker is in the text.
    """
    world = World()
    world.settings.kept[ACME.workspace_id] = Answering(language_model=MODEL)
    world.chat.text, world.chat.failure, world.chat.width = text, failure, width
    question = Question(message=message, max_sources=most, min_confidence=0, store=False, explain=True)
    if streamed:
        events = list(world.asking.stream(ACME, question))
        completed = events[-1]
        assert isinstance(completed, Completed)
        answer = completed.answer
        assert "".join(each.text for each in events if isinstance(each, Delta)) == answer.text
    else:
        answer = world.asking.answer(ACME, question)
    assert answer.text.strip()
    assert answer.explanation is not None
    assert (answer.answerer == "gpt-test") == (not answer.explanation.fallback)
    at = 0
    for citation in answer.citations:
        quoted = answer.text[citation.start : citation.end]
        assert quoted
        assert quoted == quoted.strip()
        assert at <= citation.start
        at = citation.start
        source = answer.sources[citation.source_index - 1]
        assert source.index == citation.source_index
        assert re.match(rf"(?: …)?\s(?:\[\d+\])*?\[{source.index}\]", answer.text[citation.end :])
        if answer.answerer == "extractive" and not streamed:
            assert quoted in PASSAGES[source.chunk_id].text
    markers = {int(each) for each in re.findall(r"\[(\d+)\]", answer.text)}
    assert markers <= {each.source_index for each in answer.citations}
