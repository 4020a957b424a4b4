"""What every `Embedder` promises; a test module inherits this and gives the `embedder` fixture."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from services.embedding.domain.embedder import Embedder, Matrix, Vector

_TEXTS = [
    "How do I reset my password?",
    "Refunds are paid back within five working days.",
    "",
    " \n\t",
    "emoji 🙂 and 中文 and e\u0301",
    "word " * 2000,
    "x" * 5000,
    "\ud800 a lone surrogate",
    "nul \x00 byte",
]


class EmbeddingContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def embedder(self) -> Embedder:
        """Return the embedder under test."""

    def test_names_its_space(self, embedder: Embedder) -> None:
        """The model has a name, a dimension and a limit."""
        assert embedder.model
        assert embedder.dimensions > 0
        assert embedder.max_tokens > 0

    @pytest.mark.parametrize("text", _TEXTS)
    def test_query_is_a_unit_vector(self, embedder: Embedder, text: str) -> None:
        """Any text, even an empty or a broken one, gives a finite float32 vector of length 1."""
        _is_unit(embedder.embed_query(text)[np.newaxis], (1, embedder.dimensions))

    def test_passages_are_unit_vectors(self, embedder: Embedder) -> None:
        """Every passage gives a finite float32 row of length 1."""
        _is_unit(embedder.embed_passages(_TEXTS), (len(_TEXTS), embedder.dimensions))

    def test_no_passages(self, embedder: Embedder) -> None:
        """No texts give an empty matrix of the right width."""
        vectors = embedder.embed_passages([])
        assert vectors.shape == (0, embedder.dimensions)
        assert vectors.dtype == np.float32

    def test_vector_depends_on_the_text_alone(self, embedder: Embedder) -> None:
        """A passage has the same bytes alone, in any batch and in any order."""
        alone = [embedder.embed_passages([text])[0] for text in _TEXTS]
        forwards = embedder.embed_passages(_TEXTS)
        backwards = embedder.embed_passages(_TEXTS[::-1])[::-1]
        for row, vector in enumerate(alone):
            assert _bytes(vector) == _bytes(forwards[row]) == _bytes(backwards[row])

    def test_order_is_kept(self, embedder: Embedder) -> None:
        """Row `i` is the vector of text `i`, however long its neighbours are."""
        texts = [f"passage about topic {number} " + "filler " * (number % 7 * 20) for number in range(70)]
        vectors = embedder.embed_passages(texts)
        for row in (0, 31, 32, 33, 69):
            assert _bytes(vectors[row]) == _bytes(embedder.embed_passages([texts[row]])[0])

    def test_shared_words_bring_texts_closer(self, embedder: Embedder) -> None:
        """A question is closer to a passage with its words than to one about something else."""
        question = embedder.embed_query("how do i reset my password")
        near, far = embedder.embed_passages(
            ["reset my password from the sign-in page", "cats sleep for most of each day"]
        )
        assert float(question @ near) > float(question @ far) + 0.2

    @pytest.mark.parametrize("text", _TEXTS)
    def test_token_spans_lie_in_the_text(self, embedder: Embedder, text: str) -> None:
        """Spans are in order, never empty, never overlap, and their number is the count."""
        spans = embedder.token_spans(text)
        assert len(spans) == embedder.count_tokens(text)
        position = 0
        for start, end in spans:
            assert position <= start < end <= len(text)
            position = end

    def test_tokens_are_not_cut_off(self, embedder: Embedder) -> None:
        """Counting goes past the limit of the model: a chunker must see how long a text is."""
        assert embedder.count_tokens("word " * 2000) >= 2000


def _is_unit(vectors: Matrix, shape: tuple[int, int]) -> None:
    assert vectors.shape == shape
    assert vectors.dtype == np.float32
    assert np.all(np.isfinite(vectors))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def _bytes(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector).tobytes()
