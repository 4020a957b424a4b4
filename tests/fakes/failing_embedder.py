"""Embedders that fail, or do something else while they are asked."""

from collections.abc import Callable, Sequence

from services.embedding.domain.embedder import Matrix
from services.kernel.errors import Unavailable
from tests.fakes.embedder import FakeEmbedder


class InterruptedEmbedder(FakeEmbedder):
    """Calls `meanwhile` before it answers: what happens between an indexer's claim and its commit."""

    def __init__(self, meanwhile: Callable[[], object], *, dimensions: int = 8) -> None:
        super().__init__(dimensions=dimensions)
        self._meanwhile = meanwhile

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return a unit vector per text, late."""
        self._meanwhile()
        return super().embed_passages(texts)


class PickyEmbedder(FakeEmbedder):
    """Breaks on passages that hold a word."""

    def __init__(self, word: str, *, model: str = "fake-bag-of-words", dimensions: int = 8) -> None:
        super().__init__(model=model, dimensions=dimensions)
        self._word = word

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return a unit vector per text, or raise ValueError."""
        if any(self._word in text for text in texts):
            raise ValueError(self._word)
        return super().embed_passages(texts)


class UnreachableEmbedder(FakeEmbedder):
    """Its endpoint does not answer."""

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Raise Unavailable."""
        raise Unavailable("The embedding endpoint does not answer.")


class Killed(BaseException):
    """The process ends here: nothing that follows runs."""
