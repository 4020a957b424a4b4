"""Any endpoint that speaks OpenAI's chat protocol."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from threading import Lock
from typing import Any

import httpx2
import structlog
from openai import OpenAI, OpenAIError, Stream

from services.query.domain.generation.chat import ChatFailed, ChatRequest, Failure
from services.query.domain.settings.language_model import LanguageModel
from services.query.llm import reply
from services.query.llm.failures import RETRIED, failure_of, retry_after, unknown_parameter
from services.query.llm.transport import Clients
from services.query.llm.waiting import Patience, Waiting

_MOST_AT_ONCE = 64
_FIRST_PAUSE, _LAST_PAUSE = 0.25, 2.0
_CONNECT_SECONDS = 3.0
# Far more than tokens have; only an endpoint that ignores `max_tokens` gets there.
_CHARACTERS_PER_TOKEN = 16
_MOST_REMEMBERED = 256

# What newer models take instead, or not at all.
_INSTEAD = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": ""}

# What the library raises, and what the standard library does where it trusts an answer's form.
_ERRORS = (
    OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
)

Ask = Callable[[OpenAI, LanguageModel, ChatRequest, Patience], Iterator[str]]

_log = structlog.get_logger(__name__)


class ChatEndpoint:
    """
    Talks to chat endpoints. Safe to share between threads.

    It retries by itself and not by the library, which would sleep through the caller's patience.
    """

    def __init__(self) -> None:
        self._clients = Clients()
        self._waiting = Waiting(_MOST_AT_ONCE)
        self._refused: dict[tuple[str, str], frozenset[str]] = {}
        self._lock = Lock()

    def stream(self, model: LanguageModel, request: ChatRequest) -> Iterator[str]:
        """Yield the answer as it comes; raises as the port has it."""
        return self._run(model, request, self._streamed)

    def complete(self, model: LanguageModel, request: ChatRequest) -> str:
        """Return a whole answer; raises as the port has it."""
        return "".join(self._run(model, request, self._whole))

    def close(self) -> None:
        """Close all connections; answers that are being waited for fail."""
        self._clients.close()

    def _run(self, model: LanguageModel, request: ChatRequest, ask: Ask) -> Iterator[str]:
        def source(patience: Patience) -> Generator[str, None, None]:
            return self._with_retries(model, request, ask, patience)

        try:
            yield from self._waiting.run(source, request.seconds)
        except ChatFailed as failed:
            _log.warning("chat_failed", reason=failed.reason.value, host=httpx2.URL(model.base_url).host)
            raise

    def _with_retries(
        self, model: LanguageModel, request: ChatRequest, ask: Ask, patience: Patience
    ) -> Generator[str, None, None]:
        attempts = 0
        while True:
            begun = False
            try:
                for text in ask(self._clients.of(model), model, request, patience):
                    begun = True
                    yield text
                return
            except _ERRORS as error:
                if not begun and self._learns(model, unknown_parameter(error)):
                    continue
                failed = failure_of(error, begun=begun)
                again = not begun and failed.reason in RETRIED and attempts < model.retries
                pause = retry_after(error)
            if not again or not patience.sleep(_pause(attempts) if pause is None else pause):
                raise failed
            attempts += 1

    def _streamed(
        self, client: OpenAI, model: LanguageModel, request: ChatRequest, patience: Patience
    ) -> Iterator[str]:
        chunks: Stream[Any] = client.chat.completions.create(
            **self._arguments(model, request, patience), stream=True
        )
        with closing(chunks):
            if "event-stream" not in chunks.response.headers.get("content-type", ""):
                raise ChatFailed(Failure.MALFORMED)
            yield from reply.streamed(iter(chunks), _most(request))

    def _whole(
        self, client: OpenAI, model: LanguageModel, request: ChatRequest, patience: Patience
    ) -> Iterator[str]:
        completion = client.chat.completions.create(**self._arguments(model, request, patience), stream=False)
        yield reply.complete(completion, _most(request))

    def _arguments(self, model: LanguageModel, request: ChatRequest, patience: Patience) -> dict[str, Any]:
        left = patience.seconds
        if left <= 0:
            raise ChatFailed(Failure.TIMEOUT)
        wanted: dict[str, Any] = {"max_tokens": request.max_tokens, "temperature": request.temperature}
        if request.seed is not None:
            wanted["seed"] = request.seed
        refused = self._refused.get((model.base_url, model.model), frozenset())
        for name in refused & wanted.keys():
            value = wanted.pop(name)
            if instead := _INSTEAD[name]:
                wanted[instead] = value
        return {
            "model": model.model,
            "messages": [{"role": each.role, "content": each.content} for each in request.messages],
            "timeout": httpx2.Timeout(left, connect=min(left, _CONNECT_SECONDS)),
            **wanted,
        }

    def _learns(self, model: LanguageModel, parameter: str) -> bool:
        """Remember that a model does not take a parameter; tell whether that is new and can be helped."""
        name = (model.base_url, model.model)
        with self._lock:
            known = self._refused.get(name, frozenset())
            if parameter not in _INSTEAD or parameter in known:
                return False
            if len(self._refused) >= _MOST_REMEMBERED:
                self._refused.clear()
            self._refused[name] = known | {parameter}
        return True


def _most(request: ChatRequest) -> int:
    return request.max_tokens * _CHARACTERS_PER_TOKEN


def _pause(attempts: int) -> float:
    return min(_LAST_PAUSE, _FIRST_PAUSE * 2.0**attempts)
