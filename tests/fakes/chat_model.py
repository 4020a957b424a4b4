"""A chat model that says what a test tells it to."""

from collections.abc import Iterator

from services.query.domain.generation.chat import ChatFailed, ChatRequest, Failure
from services.query.domain.settings.language_model import LanguageModel


class FakeChatModel:
    """Says `text` in pieces of `width` characters, then fails with `failure` if there is one."""

    def __init__(self, text: str = "", *, failure: Failure | None = None, width: int = 7) -> None:
        self.text = text
        self.failure = failure
        self.width = width
        self.asked: list[ChatRequest] = []

    def stream(self, _model: LanguageModel, request: ChatRequest) -> Iterator[str]:
        """Say it in pieces."""
        self.asked.append(request)
        for at in range(0, len(self.text), self.width):
            yield self.text[at : at + self.width]
        if self.failure is not None:
            raise ChatFailed(self.failure)

    def complete(self, model: LanguageModel, request: ChatRequest) -> str:
        """Say it at once."""
        return "".join(self.stream(model, request))


class FakeOutcomes:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []

    def ended(self, task: str, failure: Failure | None) -> None:
        """Remember one."""
        self.counted.append((task, "" if failure is None else failure.value))
