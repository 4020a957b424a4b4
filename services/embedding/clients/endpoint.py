"""Any embeddings endpoint that speaks OpenAI's protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import numpy as np

from services.embedding.clients.answer import read_vectors, refusal
from services.embedding.domain.embedder import Matrix, ModelName, Span, Vector
from services.embedding.domain.surrogates import without_surrogates
from services.embedding.domain.token_estimate import estimate_spans
from services.kernel.errors import DeadlineExceeded, Unavailable
from services.runtime.call import seconds_left
from services.runtime.settings import Secret


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and what it takes; the fields of `EmbeddingSettings`, which explains them."""

    base_url: str
    api_key: Secret | None
    model: str
    dimensions: int
    send_dimensions: bool
    max_tokens: int
    batch_size: int
    timeout: float


class EndpointEmbedder:
    """
    Asks a server over HTTP, `batch_size` texts at a time.

    It does not retry: whoever waits for the answer knows how long that is worth it. That equal texts get
    equal vectors is up to the server.
    """

    def __init__(self, endpoint: Endpoint, *, transport: httpx.BaseTransport | None = None) -> None:
        """Make no connection yet; `transport` takes the place of the network in tests."""
        self.model = ModelName(endpoint.model)
        self.dimensions = endpoint.dimensions
        self.max_tokens = endpoint.max_tokens
        self._timeout = endpoint.timeout
        self._batch_size = endpoint.batch_size
        self._request: dict[str, object] = {"model": endpoint.model}
        if endpoint.send_dimensions:
            self._request |= {"dimensions": endpoint.dimensions}
        self._http = httpx.Client(
            base_url=endpoint.base_url.rstrip("/") + "/",
            headers={"authorization": f"Bearer {key.reveal()}"} if (key := endpoint.api_key) else {},
            transport=transport,
        )

    def embed_query(self, text: str) -> Vector:
        """
        Return the vector of a question.

        Raises:
            Unavailable: the endpoint did not answer, or asks to be left alone for a while.
            EmbeddingRefused: the endpoint answered, and asking again would not help.
            DeadlineExceeded: the caller's time is up.
        """
        vector: Vector = self._ask([text])[0]
        return vector

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """
        Return the vectors of `texts`.

        Raises:
            Unavailable: the endpoint did not answer, or asks to be left alone for a while.
            EmbeddingRefused: the endpoint answered, and asking again would not help.
            DeadlineExceeded: the caller's time is up.
        """
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(texts), self._batch_size):
            batch = texts[start : start + self._batch_size]
            vectors[start : start + len(batch)] = self._ask(batch)
        return vectors

    def token_spans(self, text: str) -> list[Span]:
        """Return an estimate."""
        return estimate_spans(text)

    def count_tokens(self, text: str) -> int:
        """Return an estimate."""
        return len(estimate_spans(text))

    def _ask(self, texts: Sequence[str]) -> Matrix:
        body = self._request | {"input": [self._acceptable(text) for text in texts]}
        try:
            response = self._http.post("embeddings", json=body, timeout=self._time())
        except httpx.HTTPError as error:
            raise Unavailable("The embedding endpoint does not answer.") from error
        if response.status_code != httpx.codes.OK:
            raise refusal(response)
        return read_vectors(response, len(texts), self.dimensions)

    def _time(self) -> float:
        left = seconds_left()
        if left is None:
            return self._timeout
        if left <= 0:
            raise DeadlineExceeded("No time is left to ask the embedding endpoint.")
        return min(self._timeout, left)

    def _acceptable(self, text: str) -> str:
        text = without_surrogates(text)
        spans = estimate_spans(text)
        if len(spans) > self.max_tokens:
            text = text[: spans[self.max_tokens - 1][1]]
        # Endpoints refuse an empty string, and with it the whole batch.
        return text if text.strip() else "."
