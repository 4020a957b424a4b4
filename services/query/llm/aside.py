"""A chat model whose callers give their thread away while it thinks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from services.query.domain.generation.chat import ChatFailed, ChatModel, ChatRequest, Failure
from services.query.domain.settings.language_model import LanguageModel

SteppingAside = Callable[[], AbstractContextManager[bool]]


class ChatAside:
    """
    A `ChatModel` around another one: who waits for a model must not keep questions without one from a thread.

    Beyond the threads that may wait it is BUSY.
    """

    def __init__(self, chat: ChatModel, stepping_aside: SteppingAside) -> None:
        self._chat = chat
        self._stepping_aside = stepping_aside

    def stream(self, model: LanguageModel, request: ChatRequest) -> Iterator[str]:
        """Yield the answer in pieces."""
        with self._stepping_aside() as may_wait:
            if not may_wait:
                raise ChatFailed(Failure.BUSY)
            yield from self._chat.stream(model, request)

    def complete(self, model: LanguageModel, request: ChatRequest) -> str:
        """Return the answer at once."""
        with self._stepping_aside() as may_wait:
            if not may_wait:
                raise ChatFailed(Failure.BUSY)
            return self._chat.complete(model, request)
