"""The chat endpoints, loaded when the first workspace asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

from services.query.domain.generation.chat import ChatRequest
from services.query.domain.settings.language_model import LanguageModel

if TYPE_CHECKING:
    from services.query.llm.chat_endpoint import ChatEndpoint


class ChatOnDemand:
    """
    A `ChatModel` that costs nothing until it is used.

    The library behind it takes 40 MB and 0.4 s to load, which an installation without a model need not pay.
    """

    def __init__(self) -> None:
        self._endpoint: ChatEndpoint | None = None
        self._lock = Lock()

    def stream(self, model: LanguageModel, request: ChatRequest) -> Iterator[str]:
        """Yield the answer as it comes; raises as the port has it."""
        yield from self._loaded().stream(model, request)

    def complete(self, model: LanguageModel, request: ChatRequest) -> str:
        """Return a whole answer; raises as the port has it."""
        return self._loaded().complete(model, request)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._endpoint is not None:
                self._endpoint.close()

    def _loaded(self) -> ChatEndpoint:
        from services.query.llm.chat_endpoint import ChatEndpoint

        with self._lock:
            if self._endpoint is None:
                self._endpoint = ChatEndpoint()
            return self._endpoint
