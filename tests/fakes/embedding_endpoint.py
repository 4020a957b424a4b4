"""A server of OpenAI's embeddings protocol, without the network."""

import json

import httpx

from tests.fakes.embedder import FakeEmbedder


class FakeEmbeddingEndpoint(httpx.BaseTransport):
    """
    Answers from a `FakeEmbedder`, as strictly as the real service, and in an order of its own.

    `requests` holds what was asked. When `answer` is set, it is given (or raised) instead of vectors.
    """

    def __init__(self, embedder: FakeEmbedder, *, key: str = "", batch: int = 64) -> None:
        self._embedder = embedder
        self._key = key
        self._batch = batch
        self.requests: list[httpx.Request] = []
        self.answer: httpx.Response | Exception | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        if (request.method, request.url.path) != ("POST", "/v1/embeddings"):
            return httpx.Response(404)
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return httpx.Response(401)
        body = json.loads(request.content)
        texts = body["input"]
        if body["model"] != self._embedder.model or not self._accepts(texts):
            return httpx.Response(400)
        # Not of length 1, which the protocol does not promise.
        rows = [
            {"object": "embedding", "index": index, "embedding": [2.0 * float(each) for each in vector]}
            for index, vector in enumerate(self._embedder.embed_passages(texts))
        ]
        return httpx.Response(200, json={"object": "list", "data": rows[::-1], "model": body["model"]})

    def _accepts(self, texts: list[str]) -> bool:
        limit = 2 * self._embedder.max_tokens
        return 0 < len(texts) <= self._batch and all(0 < len(text.split()) <= limit for text in texts)
