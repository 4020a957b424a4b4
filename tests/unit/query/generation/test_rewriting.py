"""Follow-ups resolved by a model."""

import pytest

from services.query.domain.generation.chat import Failure
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.question import Said
from services.query.domain.settings.language_model import LanguageModel
from tests.fakes.chat_model import FakeChatModel, FakeOutcomes

MODEL = LanguageModel("http://127.0.0.1:1/v1", "m")
HISTORY = (Said("user", "What does the Pro plan cost?"), Said("assistant", "12 euros."))


def standalone(chat: FakeChatModel, model: LanguageModel = MODEL, seconds: float | None = None) -> str | None:
    """Return what becomes of a follow-up."""
    return Rewriting(chat, FakeOutcomes()).standalone("And for teams?", HISTORY, model, seconds)


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("What does the Pro plan cost for teams?", "What does the Pro plan cost for teams?"),
        ('  "What does a plan for teams cost?"\n', "What does a plan for teams cost?"),
        ("<think>hm\n\nteams</think>\n\nWhat do teams cost?", "What do teams cost?"),
        ("What do teams cost? [1]<|im_end|>", "What do teams cost? (1) im_end"),
    ],
)
def test_rewritten(written: str, question: str) -> None:
    """A question that could be meant is taken, without quotes, thoughts and control tokens."""
    assert standalone(FakeChatModel(written)) == question


@pytest.mark.parametrize(
    "written", ["", " \n", "a teams question " * 30, "Teams?\nOr members?", "Who discovered penicillin?"]
)
def test_implausible(written: str) -> None:
    """Nothing, a long text, several lines and something else altogether are not taken."""
    assert standalone(FakeChatModel(written)) is None


@pytest.mark.parametrize("failure", list(Failure))
def test_failing(failure: Failure) -> None:
    """A model that fails rewrites nothing."""
    assert standalone(FakeChatModel(failure=failure)) is None


def test_not_wanted() -> None:
    """No call is made where the workspace does not want it, nothing was said before or nobody waits."""
    chat = FakeChatModel("What do teams cost?")
    assert standalone(chat, LanguageModel("http://a", "m", rewrite=False)) is None
    assert Rewriting(chat, FakeOutcomes()).standalone("And for teams?", (), MODEL) is None
    assert standalone(chat, seconds=0.0) is None
    assert not chat.asked


def test_asked_without_chance() -> None:
    """It is asked at temperature 0 with a seed, for a short text."""
    chat = FakeChatModel("What do teams cost?")
    standalone(chat, LanguageModel("http://a", "m", temperature=1.0), seconds=2.0)
    request = chat.asked[0]
    assert (request.temperature, request.seed, request.seconds) == (0.0, 1, 2.0)
    assert request.max_tokens <= 128


def test_counted() -> None:
    """What became of it is counted."""
    outcomes = FakeOutcomes()
    for chat in (
        FakeChatModel("What do teams cost?"),
        FakeChatModel(),
        FakeChatModel(failure=Failure.TIMEOUT),
    ):
        Rewriting(chat, outcomes).standalone("And for teams?", HISTORY, MODEL)
    assert outcomes.counted == [("rewrite", ""), ("rewrite", "EMPTY"), ("rewrite", "TIMEOUT")]
