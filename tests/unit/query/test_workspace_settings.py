"""Answers by the settings of a workspace: its bounds, its custom answers, its language model."""

from dataclasses import replace

import pytest

from services.query.domain.answer import Citation
from services.query.domain.asking import Completed, Delta
from services.query.domain.generation.chat import Failure
from services.query.domain.passage import CUSTOM_ANSWER
from services.query.domain.question import Question
from services.query.domain.settings.answering import Answering
from services.query.domain.settings.language_model import LanguageModel
from tests.unit.query.given import ACME, OTHER, PLANS, World, a_passage

RENEW = Question(message="When does the Pro plan renew?")
MODEL = LanguageModel("http://127.0.0.1:1/v1", "gpt-test", timeout_seconds=20)
RENEWS = "The Pro plan renews on the third day of each month."


def test_settings_are_each_workspaces_own() -> None:
    """Of two with the same pages, one answers and one does not; each has its own length."""
    world = World()
    long = a_passage("Exports go on, " + "and on, " * 60 + "for ever.", document="doc_long", title="Exports")
    world.search.add(OTHER.workspace_id, [PLANS, long])
    world.search.add(ACME.workspace_id, [long])
    world.settings.kept[ACME.workspace_id] = Answering(min_confidence=1.0, answer_characters=300)
    world.settings.kept[OTHER.workspace_id] = Answering(answer_characters=100)
    assert not world.asking.answer(ACME, RENEW).answered
    assert world.asking.answer(OTHER, RENEW).answered
    question = Question(message="How long do exports go on?", min_confidence=0)
    mine, theirs = (world.asking.answer(each, question).text for each in (ACME, OTHER))
    assert len(theirs) <= 100 < len(mine) <= 300


def test_a_custom_answer_is_told_as_it_was_written() -> None:
    """It is named in the turn, and no language model rewrites it."""
    world = World()
    written = a_passage("Call Ada.", document="doc_custom", headings=(RENEW.message,), kind=CUSTOM_ANSWER)
    world.search.add(ACME.workspace_id, [written])
    world.settings.kept[ACME.workspace_id] = Answering(language_model=MODEL)
    answer = world.asking.answer(ACME, RENEW)
    assert (answer.text, answer.answerer) == ("Call Ada. [1]", "custom")
    (turn,) = world.transcripts.turns(ACME.workspace_id, answer.conversation_id)
    assert turn.assistant.answerer == "custom"
    assert not world.chat.asked


class TestLanguageModel:
    """A workspace that has one."""

    def setup_method(self) -> None:
        """Begin with a model that says nothing yet."""
        self.world = World()
        self.world.settings.kept[ACME.workspace_id] = Answering(language_model=MODEL)

    def test_it_answers_in_the_extracts_place(self) -> None:
        """With the same sources and confidence; turn and explanation name it."""
        plain = World().asking.answer(ACME, RENEW)
        self.world.chat.text = f"{RENEWS} [1]"
        answer = self.world.asking.answer(ACME, replace(RENEW, explain=True), 5.0)
        assert (answer.text, answer.answerer) == (f"{RENEWS} [1]", "gpt-test")
        assert answer.citations == (Citation(0, len(RENEWS), 1),)
        assert (answer.sources, answer.confidence) == (plain.sources, plain.confidence)
        assert answer.explanation is not None
        assert answer.explanation.fallback == ""
        assert "generate" in answer.explanation.milliseconds
        (turn,) = self.world.transcripts.turns(ACME.workspace_id, answer.conversation_id)
        assert (turn.assistant.answerer, turn.assistant.content) == ("gpt-test", answer.text)

    def test_its_failure_leaves_the_extract(self) -> None:
        """The explanation says why."""
        plain = World().asking.answer(ACME, replace(RENEW, store=False))
        self.world.chat.failure = Failure.TIMEOUT
        answer = self.world.asking.answer(ACME, replace(RENEW, store=False, explain=True))
        assert replace(answer, explanation=None) == plain
        assert answer.explanation is not None
        assert answer.explanation.fallback == "TIMEOUT"

    def test_what_is_withheld_is_not_written(self) -> None:
        """Nor does another workspace's question reach it."""
        self.world.asking.answer(ACME, replace(RENEW, min_confidence=1))
        self.world.asking.answer(OTHER, RENEW)
        assert not self.world.chat.asked

    def test_it_has_less_time_than_the_caller_had(self) -> None:
        """What retrieval took is gone."""
        self.world.chat.text = f"{RENEWS} [1]"
        self.world.asking.answer(ACME, RENEW, 5.0)
        assert 0 < self.world.chat.asked[0].seconds < 5.0

    @pytest.mark.parametrize("failure", [None, Failure.INTERRUPTED])
    def test_a_stream_joins_to_the_answer(self, failure: Failure | None) -> None:
        """Each citation comes behind its text and lies within it, also behind a break."""
        self.world.chat.text = f"{RENEWS} [1] You can cancel it at any time in your account. [1] The"
        self.world.chat.failure = failure
        events = list(self.world.asking.stream(ACME, RENEW))
        completed = events[-1]
        assert isinstance(completed, Completed)
        answer = completed.answer
        text = ""
        for event in events:
            if isinstance(event, Delta):
                text += event.text
            if isinstance(event, Citation):
                assert 0 <= event.start < event.end <= len(text)
                assert 1 <= event.source_index <= len(answer.sources)
        assert text == answer.text
        assert tuple(each for each in events if isinstance(each, Citation)) == answer.citations
        assert answer.answerer == ("extractive" if failure else "gpt-test")
        assert len(answer.citations) >= 2
