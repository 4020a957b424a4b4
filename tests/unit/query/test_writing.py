"""The text of an answer, by a language model or by extraction."""

from collections.abc import Sequence

import pytest

from services.query.domain.answer import Citation, Confidence, Draft, Piece
from services.query.domain.explanation import Thresholds
from services.query.domain.generation.chat import Failure
from services.query.domain.generation.generation import Generation
from services.query.domain.generation.support import EmbeddedSupport
from services.query.domain.judging import Judgement
from services.query.domain.question import Question
from services.query.domain.settings.language_model import LanguageModel
from services.query.domain.writing import Writing, Written
from tests.fakes.chat_model import FakeChatModel, FakeOutcomes
from tests.fakes.embedder import FakeEmbedder
from tests.unit.query.given import PLANS, TEAMS

MODEL = LanguageModel("http://127.0.0.1:1/v1", "gpt-test")
COSTS = "The Pro plan costs 12 euros a month."
RENEWS = "The Pro plan renews on the third day of each month."
FREE = "Guests are free."
EXTRACT = Draft(
    (
        Piece("Guests "),
        Piece("are free. [2]", (Citation(0, 16, 2),)),
        Piece(" Bye. [1]", (Citation(21, 25, 1),)),
    ),
    (),
)
JUDGED = Judgement(
    EXTRACT,
    "",
    Confidence(0.9, "high"),
    Thresholds(0.2, 0.1, 0.4, 0.7, "v1"),
    "extractive",
    (PLANS, TEAMS),
)


class Wrote:
    """What comes of a chat model that says `text` and fails with `failure`."""

    def __init__(self, text: str, failure: Failure | None = None, *, at_once: bool) -> None:
        self.chat = FakeChatModel(text, failure=failure)
        self.written = Written("extractive")
        writing = Writing(Generation(self.chat, FakeOutcomes()), EmbeddedSupport(FakeEmbedder()))
        self.told: Sequence[Piece] = list(
            writing.pieces(
                Question(message="How much is Pro?"), (), JUDGED, MODEL, self.written, 5.0, at_once=at_once
            )
        )

    @property
    def cited(self) -> list[tuple[str, int]]:
        """What the citations cover, and their sources."""
        text = self.written.text
        return [(text[each.start : each.end], each.source_index) for each in self.written.citations]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_models_answer(at_once: bool) -> None:
    """It is told in pieces that are what is written, cited, and named by the model."""
    wrote = Wrote(f"{COSTS} [1] {RENEWS} [1]", at_once=at_once)
    assert wrote.written.text == f"{COSTS} [1] {RENEWS} [1]"
    assert [each.text for each in wrote.told] == [f"{COSTS} [1]", f" {RENEWS} [1]"]
    assert wrote.cited == [(COSTS, 1), (RENEWS, 1)]
    assert (wrote.written.answerer, wrote.written.fallback) == ("gpt-test", "")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("failure", list(Failure))
def test_a_failure_before_the_first_piece(failure: Failure, at_once: bool) -> None:
    """The extract is told as if there were no model, and the reason is known."""
    wrote = Wrote("", failure, at_once=at_once)
    assert wrote.written.text == EXTRACT.text
    assert tuple(wrote.told) == EXTRACT.pieces
    assert wrote.written.citations == EXTRACT.citations
    assert (wrote.written.answerer, wrote.written.fallback) == ("extractive", failure.value)


def test_a_failure_after_the_first_piece_at_once() -> None:
    """What nobody has heard is taken back."""
    wrote = Wrote(f"{COSTS} [1] {RENEWS} [1] The", Failure.INTERRUPTED, at_once=True)
    assert wrote.written.text == EXTRACT.text
    assert wrote.cited == [(FREE, 2), ("Bye.", 1)]
    assert (wrote.written.answerer, wrote.written.fallback) == ("extractive", "INTERRUPTED")


def test_a_failure_after_the_first_piece_while_it_is_told() -> None:
    """The extract follows what was heard, apart from it, and its citations are moved."""
    wrote = Wrote(f"{COSTS} [1] {RENEWS} [1] The", Failure.INTERRUPTED, at_once=False)
    assert wrote.written.text == f"{COSTS} [1]\n\n{EXTRACT.text}"
    assert "".join(each.text for each in wrote.told) == wrote.written.text
    assert wrote.cited == [(COSTS, 1), (FREE, 2), ("Bye.", 1)]
    assert (wrote.written.answerer, wrote.written.fallback) == ("extractive", "INTERRUPTED")


@pytest.mark.parametrize("at_once", [True, False])
def test_an_answer_that_no_passage_holds(at_once: bool) -> None:
    """It is never told."""
    wrote = Wrote("The moon is made of green cheese. [1] Elephants fly at night. [2]", at_once=at_once)
    assert wrote.written.text == EXTRACT.text
    assert wrote.written.fallback == "UNSUPPORTED"


def test_a_piece_is_told_before_the_next_is_written() -> None:
    """A stream does not wait for the whole."""
    chat, written = FakeChatModel(f"{COSTS} [1] {RENEWS} [1]"), Written("extractive")
    writing = Writing(Generation(chat, FakeOutcomes()), EmbeddedSupport(FakeEmbedder()))
    question = Question(message="How much is Pro?")
    pieces = writing.pieces(question, (), JUDGED, MODEL, written, 5.0, at_once=False)
    assert next(pieces).text == written.text == f"{COSTS} [1]"
    assert [each.text for each in pieces] == [f" {RENEWS} [1]"]


def test_the_model_gets_no_more_time_than_the_caller() -> None:
    """Whatever its own timeout is."""
    assert Wrote(COSTS, at_once=True).chat.asked[0].seconds == 5.0


def test_a_text_moves_behind_what_was_written() -> None:
    """Its citations count from the beginning of the whole."""
    written = Written("extractive")
    written.add(Piece("Before. "))
    pieces = list(written.add_text(EXTRACT.pieces))
    assert [each.citations for each in pieces] == [(), (Citation(8, 24, 2),), (Citation(29, 33, 1),)]
    assert written.text == f"Before. {EXTRACT.text}"
