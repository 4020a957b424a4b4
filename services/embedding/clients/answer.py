"""What an endpoint answered: vectors, or an error of the domain."""

import math

import httpx
import numpy as np

from services.embedding.domain.embedder import Matrix
from services.kernel.errors import DomainError, ErrorKind, Unavailable

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})


class EmbeddingRefused(DomainError):
    """The endpoint turned the request down, or answered something that is no vector: see its settings."""

    kind = ErrorKind.INTERNAL
    reason = "INTERNAL"


def refusal(response: httpx.Response) -> DomainError:
    """Return the error for an answer that is not 200; the endpoint's own words are not passed on."""
    detail = f"The embedding endpoint answered with status {response.status_code}."
    if response.status_code in _BUSY:
        return Unavailable(detail, retry_after=_retry_after(response))
    return EmbeddingRefused(detail)


def read_vectors(response: httpx.Response, count: int, dimensions: int) -> Matrix:
    """
    Return the unit vectors of an answer in the order of the texts, shape `(count, dimensions)`.

    Raises:
        EmbeddingRefused: it is not `count` finite vectors of that length.
    """
    try:
        rows = sorted(response.json()["data"], key=lambda row: int(row["index"]))
        vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
    except (ValueError, TypeError, KeyError) as error:
        raise EmbeddingRefused("The embedding endpoint's answer is not understood.") from error
    if vectors.shape != (count, dimensions):
        raise EmbeddingRefused(
            f"The embedding endpoint gave vectors of shape {vectors.shape} instead of {(count, dimensions)}."
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths):
        raise EmbeddingRefused("The embedding endpoint gave vectors without a direction.")
    unit: Matrix = vectors / lengths
    return unit


def _retry_after(response: httpx.Response) -> float:
    try:
        seconds = float(response.headers.get("retry-after", "1"))
    except ValueError:
        return 1.0
    return min(seconds, 60.0) if math.isfinite(seconds) and seconds > 0 else 1.0
