"""Reranking by a cross-encoder in this process."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from services.query.clients.rerank_fastembed import open_cross_encoder


class FakeTextCrossEncoder:
    """Stands for fastembed's: scores by length, unless it is told what to say."""

    said: Any = None

    def __init__(self, model_name: str, threads: int) -> None:
        if model_name == "unknown":
            raise ValueError("not supported")
        self.threads = threads

    def rerank(self, query: str, documents: Iterable[str], batch_size: int = 64) -> Iterable[float]:
        """Yield the lengths."""
        if isinstance(self.said, Exception):
            raise self.said
        yield from self.said if self.said is not None else (float(len(each)) for each in documents)


def fastembed(said: Any = None) -> Any:
    """Return the module with an encoder that says this."""
    return SimpleNamespace(TextCrossEncoder=type("Encoder", (FakeTextCrossEncoder,), {"said": said}))


def test_scores() -> None:
    """Each text has its score, in the order of the texts."""
    reranker = open_cross_encoder("a-model", 1, fastembed())
    assert reranker.scores("why?", ["aaa", "a", "aa"]) == [3.0, 1.0, 2.0]
    assert reranker.scores("why?", []) == []


@pytest.mark.parametrize("said", [RuntimeError("no memory"), [1.0], [1.0, float("nan")], [1.0, "high"]])
def test_failures(said: Any) -> None:
    """A model that fails, or gives something else than scores, changes no order."""
    assert open_cross_encoder("a-model", 1, fastembed(said)).scores("why?", ["a", "b"]) is None


def test_unknown_model() -> None:
    """A model that fastembed does not know stops the process at its start."""
    with pytest.raises(ValueError, match="not supported"):
        open_cross_encoder("unknown", 1, fastembed())
