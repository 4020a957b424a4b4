"""
Reranking in this process, by any cross-encoder that fastembed loads.

fastembed is not installed by default: `pip install supportagent[rerank]`.
"""

import importlib
import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import structlog

_MODULE = "fastembed.rerank.cross_encoder"
# What one run of the model reads at once: little memory, and the time grows with it anyway on a processor.
_BATCH = 8

_log = structlog.get_logger(__name__)


class CrossEncoder(Protocol):
    """What is used of fastembed's `TextCrossEncoder`."""

    def rerank(self, query: str, documents: Iterable[str], batch_size: int = ...) -> Iterable[float]:
        """Yield a score for each document."""
        ...


class CrossEncoderReranker:
    """A `Reranker` over a cross-encoder. Safe to share between threads, as onnxruntime's sessions are."""

    def __init__(self, encoder: CrossEncoder) -> None:
        self._encoder = encoder

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return one score per text; None where the model fails or gives something that is no score."""
        if not texts:
            return []
        try:
            found = [float(each) for each in self._encoder.rerank(question, list(texts), batch_size=_BATCH)]
        except Exception as error:  # whatever the runtime raises, the order stays
            _log.warning("rerank_failed", error=type(error).__name__)
            return None
        if len(found) != len(texts) or not all(map(math.isfinite, found)):
            _log.warning("rerank_failed", error="no scores")
            return None
        return found


def open_cross_encoder(model: str, threads: int, module: Any = None) -> CrossEncoderReranker:
    """
    Load a model by fastembed's name for it, from its cache or from where fastembed finds it.

    `module` takes the place of fastembed's in tests.

    Raises:
        ImportError: fastembed is not installed.
        ValueError: fastembed does not know the model.
    """
    found = module or importlib.import_module(_MODULE)
    return CrossEncoderReranker(found.TextCrossEncoder(model_name=model, threads=threads))
