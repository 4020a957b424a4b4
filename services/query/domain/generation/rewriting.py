"""A follow-up made into a question that stands alone, by a language model."""

from collections.abc import Sequence

from services.query.domain.generation.chat import (
    ChatFailed,
    ChatModel,
    ChatRequest,
    Failure,
    Outcomes,
    bounded_seconds,
)
from services.query.domain.generation.inert import inert
from services.query.domain.generation.prompt import rewriting
from services.query.domain.generation.thoughts import without_thoughts
from services.query.domain.generation.token_count import MESSAGE_TOKENS, token_count
from services.query.domain.question import Said
from services.query.domain.settings.language_model import LanguageModel
from services.query.domain.text.words import term_set

TASK = "rewrite"

MOST_CHARACTERS = 400
_ANSWER_TOKENS = 128
_SEED = 1


class Rewriting:
    """Asks a workspace's language model what a follow-up means."""

    def __init__(self, chat: ChatModel, outcomes: Outcomes) -> None:
        self._chat = chat
        self._outcomes = outcomes

    def standalone(
        self, question: str, history: Sequence[Said], model: LanguageModel, seconds: float | None = None
    ) -> str | None:
        """
        Return the question as it would be asked without the conversation.

        None: the workspace does not want it, nothing was said before, or the model failed or wrote something
        that can't be it. It is asked at temperature 0.
        """
        if not (model.rewrite and history):
            return None
        failure: Failure | None = None
        try:
            return self._asked(question, history, model, seconds)
        except ChatFailed as failed:
            failure = failed.reason
            return None
        finally:
            self._outcomes.ended(TASK, failure)

    def _asked(
        self, question: str, history: Sequence[Said], model: LanguageModel, seconds: float | None
    ) -> str:
        messages = rewriting(question, history)
        if sum(token_count(each.content) + MESSAGE_TOKENS for each in messages) > model.max_prompt_tokens:
            raise ChatFailed(Failure.OVER_BUDGET)
        request = ChatRequest(messages, _ANSWER_TOKENS, 0.0, _SEED, bounded_seconds(model, seconds))
        return _plausible(self._chat.complete(model, request), question, history)


def _plausible(written: str, question: str, history: Sequence[Said]) -> str:
    text = inert("".join(without_thoughts([written]))).strip().strip("\"“”„'").strip()
    if not text:
        raise ChatFailed(Failure.EMPTY)
    said = term_set("\n".join([question, *(each.content for each in history)]))
    if len(text) > MOST_CHARACTERS or "\n" in text or not term_set(text) & said:
        raise ChatFailed(Failure.UNSUPPORTED)
    return text
