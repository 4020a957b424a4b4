"""The fake keeps the promises that the tests of other rooms rely on."""

import pytest

from services.embedding.domain.embedder import Embedder
from tests.contracts.embedding_contract import EmbeddingContract
from tests.fakes.embedder import FakeEmbedder


class TestFakeEmbedder(EmbeddingContract):
    """The shared suite on the fake."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        """Return a fresh fake."""
        return FakeEmbedder()


def test_remembers_what_was_embedded() -> None:
    """The passages that were embedded can be read back; questions are not among them."""
    embedder = FakeEmbedder()
    embedder.embed_query("a question")
    embedder.embed_passages(["one", "two"])
    assert embedder.embedded == ["one", "two"]
