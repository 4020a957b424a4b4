"""Reranking by an endpoint."""

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import httpx
import structlog

from services.query.domain.retrieval.reranking import Reranker, RerankModel

# Of workspaces with a reranker of their own; beyond it the one that was used longest ago goes.
_MOST_MODELS = 64

_MOST_BYTES = 1024 * 1024

# A client that was closed, or JSON that is too deep, is a RuntimeError; a whole number too large for a float
# an OverflowError.
_ERRORS = (httpx.HTTPError, httpx.InvalidURL, ValueError, RuntimeError, OverflowError)

_log = structlog.get_logger(__name__)


class RerankEndpoints:
    """`Rerankers` over HTTP, one connection pool for each that is in use."""

    def __init__(self) -> None:
        self._clients: OrderedDict[RerankModel, httpx.Client] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, model: RerankModel) -> Reranker:
        """Return the reranker of these settings."""
        with self._lock:
            client = self._clients.pop(model, None) or _client(model)
            self._clients[model] = client
            # Not closed here: a call may be under way. Its connections go with it.
            while len(self._clients) > _MOST_MODELS:
                self._clients.popitem(last=False)
        return RerankEndpoint(model, client)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


class RerankEndpoint:
    """
    A `Reranker`: `POST {base_url}/rerank` with a query and documents, as Cohere, Jina and others have it.

    The answer is `{"results": [{"index": 0, "relevance_score": 0.9}, …]}` with each document once.
    """

    def __init__(self, model: RerankModel, client: httpx.Client) -> None:
        self._model = model
        self._client = client

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return one score per text; None where the endpoint fails, says nonsense or takes too long."""
        if not texts:
            return []
        body = {
            "model": self._model.model,
            "query": question,
            "documents": list(texts),
            "top_n": len(texts),
        }
        try:
            with self._client.stream("POST", "rerank", json=body) as response:
                response.raise_for_status()
                answer = _read(response, time.monotonic() + self._model.timeout_seconds)
            return _scores(json.loads(answer), len(texts))
        except _ERRORS as error:
            # Neither its address nor what it said: both may hold what is not ours to log.
            _log.warning("rerank_failed", error=type(error).__name__)
            return None


def _client(model: RerankModel) -> httpx.Client:
    headers = {"Authorization": f"Bearer {model.key}"} if model.key else {}
    return httpx.Client(
        base_url=model.base_url.rstrip("/") + "/",
        headers=headers,
        timeout=model.timeout_seconds,
        # Passages must not go elsewhere than where the operator said.
        follow_redirects=False,
        trust_env=False,
    )


def _read(response: httpx.Response, until: float) -> bytes:
    """Return the body. The client's timeout is for one read: an endpoint that trickles would pass it."""
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _MOST_BYTES or time.monotonic() > until:
            raise ValueError("too long")
    return body


def _scores(answer: object, count: int) -> list[float]:
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise ValueError("no results")
    found: dict[int, float] = {}
    for each in results:
        if not isinstance(each, dict):
            raise ValueError("a result is no object")
        index, score = each.get("index"), each.get("relevance_score")
        if isinstance(index, bool) or not isinstance(index, int):
            raise ValueError("a result without index")
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise ValueError("a result without score")
        found[index] = float(score)
    if sorted(found) != list(range(count)):
        raise ValueError("not each document once")
    return [found[index] for index in range(count)]
