"""The bundled model: the contract, its quality, and that its vectors can be made again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.embedding.bundled.artefact import TOKENIZER
from services.embedding.bundled.embedder import BundledEmbedder
from services.embedding.bundled.tokens import Tokens
from services.embedding.domain.embedder import Embedder
from services.embedding.export.weights import Weights, installed_folder
from tests.contracts.embedding_contract import EmbeddingContract
from tests.unit.embedding import reference

_PAGES = [
    "You can change your password on the security page of your account settings.",
    "Orders that have not been shipped can be cancelled, and the amount is paid back to your card.",
    "Invite a colleague by entering an e-mail address under Members and choosing a role.",
    "The mobile application works without a network and synchronises later.",
    "Two-factor authentication asks for a code from your phone when you sign in.",
]


class TestBundledEmbedder(EmbeddingContract):
    """The shared suite on the real model."""

    @pytest.fixture
    def embedder(self, bundled: BundledEmbedder) -> Embedder:
        """Return the model that all tests share."""
        return bundled


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("I forgot my login credentials, how do I get new ones?", 0),
        ("Where do I get a refund?", 1),
        ("add a team mate to my workspace", 2),
        ("does it run offline", 3),
        ("how do I turn on 2FA", 4),
    ],
)
def test_finds_the_page_of_a_question(bundled: BundledEmbedder, question: str, page: int) -> None:
    """A question is closest to the page that answers it, though they share hardly a word."""
    scores = bundled.embed_passages(_PAGES) @ bundled.embed_query(question)
    assert int(np.argmax(scores)) == page


def test_is_close_to_the_model_in_floating_point(bundled: BundledEmbedder, model_folder: Path) -> None:
    """Eight-bit weights and activations turn vectors by little: a cosine of at least .98."""
    weights = Weights(installed_folder())
    tokens = Tokens(model_folder / TOKENIZER, bundled.max_tokens)
    for text in ("reset password", _PAGES[1]):
        exact = reference.embed(weights, tokens.ids(text)[0])
        assert float(bundled.embed_query(text) @ exact) > 0.98


def test_same_bytes_whatever_the_threads(bundled: BundledEmbedder, model_folder: Path) -> None:
    """Neither the number of threads nor who else is embedding changes a vector, nor does loading it again."""
    alone = BundledEmbedder(model_folder, threads=1).embed_passages(_PAGES)
    with ThreadPoolExecutor(8) as callers:
        for vectors in callers.map(bundled.embed_passages, [_PAGES] * 16):
            assert vectors.tobytes() == alone.tobytes()


def test_a_question_and_a_passage_share_one_space(bundled: BundledEmbedder) -> None:
    """The model makes no difference between questions and passages."""
    assert bundled.embed_query(_PAGES[0]).tobytes() == bundled.embed_passages(_PAGES)[0].tobytes()


def test_only_the_first_tokens_count(bundled: BundledEmbedder) -> None:
    """What lies beyond `max_tokens` has no influence, the last token within has."""
    text = "word " * bundled.max_tokens
    assert bundled.count_tokens(text) == bundled.max_tokens == 254
    full = bundled.embed_query(text).tobytes()
    assert bundled.embed_query(text + "password").tobytes() == full
    assert bundled.embed_query(text.removesuffix("word ") + "password").tobytes() != full


def test_spans_are_word_pieces(bundled: BundledEmbedder) -> None:
    """Spans count characters of the given text, also behind characters of several bytes."""
    text = "🙂 Größe: unbelievably"
    pieces = [text[start:end] for start, end in bundled.token_spans(text)]
    assert pieces[0] == "🙂"
    assert "".join(pieces) == "🙂Größe:unbelievably"
    assert len(pieces) > 4


def test_broken_characters_do_not_shift_spans(bundled: BundledEmbedder) -> None:
    """A lone surrogate stays one character long."""
    text = "\ud800 reset \udfff password"
    pieces = [text[start:end] for start, end in bundled.token_spans(text)]
    assert [piece for piece in pieces if piece.isalpha()] == ["reset", "password"]
