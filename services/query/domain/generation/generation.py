"""Answers by a language model, from passages alone."""

from collections.abc import Iterator, Sequence

from services.query.domain.generation.chat import (
    ChatFailed,
    ChatModel,
    ChatRequest,
    Failure,
    Outcomes,
    bounded_seconds,
)
from services.query.domain.generation.generated import GeneratedAnswer, GroundedPiece
from services.query.domain.generation.grounding import Grounding, SentenceSupport
from services.query.domain.generation.prompt import answering
from services.query.domain.generation.thoughts import without_thoughts
from services.query.domain.generation.written import Reader
from services.query.domain.passage import Passage
from services.query.domain.question import Said
from services.query.domain.settings.language_model import LanguageModel

TASK = "answer"

_SEED = 1


class Generation:
    """Asks a workspace's language model and lets through what the passages hold."""

    def __init__(self, chat: ChatModel, outcomes: Outcomes) -> None:
        self._chat = chat
        self._outcomes = outcomes

    def pieces(
        self,
        question: str,
        history: Sequence[Said],
        passages: Sequence[Passage],
        model: LanguageModel,
        *,
        exact: bool = False,
        support: SentenceSupport | None = None,
        seconds: float | None = None,
    ) -> Iterator[GroundedPiece]:
        """
        Yield an answer sentence by sentence, each checked against the passages, as it is written.

        `[n]` in the text and `source_index` in a citation are the place of a passage in `passages`, from 1.
        `seconds` is how long the caller waits. What was yielded is supported by itself, also if an error
        follows: but then the answer is not whole, or most of what was written was not supported.

        Raises:
            ChatFailed: there is no answer, or no whole one, for that reason.
        """
        failure: Failure | None = None
        try:
            yield from self._pieces(question, history, passages, model, exact, support, seconds)
        except ChatFailed as failed:
            failure = failed.reason
            raise
        finally:
            self._outcomes.ended(TASK, failure)

    def _pieces(
        self,
        question: str,
        history: Sequence[Said],
        passages: Sequence[Passage],
        model: LanguageModel,
        exact: bool,
        support: SentenceSupport | None,
        seconds: float | None,
    ) -> Iterator[GroundedPiece]:
        prompt = answering(question, history, passages, model.max_prompt_tokens)
        request = ChatRequest(
            messages=prompt.messages,
            max_tokens=model.max_answer_tokens,
            temperature=0.0 if exact else model.temperature,
            seed=_SEED if exact else None,
            seconds=bounded_seconds(model, seconds),
        )
        reader = Reader()
        answer = GeneratedAnswer(Grounding(prompt.passages, support))
        cut_off = False
        try:
            for text in without_thoughts(self._chat.stream(model, request)):
                for unit in reader.feed(text):
                    yield from answer.take(unit)
        except ChatFailed as failed:
            if failed.reason is not Failure.OVER_BUDGET:
                raise
            cut_off = True
        try:
            # What the limit cut in two is not told.
            for unit in () if cut_off else reader.close():
                yield from answer.take(unit)
            yield from answer.close()
        except ChatFailed as failed:
            raise ChatFailed(_at_the_limit(failed.reason) if cut_off else failed.reason) from None


def _at_the_limit(reason: Failure) -> Failure:
    return Failure.OVER_BUDGET if reason is Failure.EMPTY else reason
