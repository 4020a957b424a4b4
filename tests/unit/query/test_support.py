"""How near claims are to sentences of passages."""

import pytest

from services.embedding.domain.embedder import Vector
from services.kernel.errors import Unavailable
from services.query.domain.generation.support import EmbeddedSupport
from services.query.domain.passage import Passage
from tests.fakes.embedder import FakeEmbedder
from tests.unit.query.given import PLANS, SYNC, a_passage


class CountingEmbedder(FakeEmbedder):
    """Remembers what it was asked for; fails while it is `away`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.away = False

    def embed_query(self, text: str) -> Vector:
        """Return the vector of the words of `text`."""
        self.asked.append(text)
        if self.away:
            raise Unavailable("away")
        return super().embed_query(text)


def test_the_nearest_sentence_counts() -> None:
    """Of all passages that are given, and of no others."""
    support = EmbeddedSupport(FakeEmbedder())
    claim = "Sync keeps your notes on all devices."
    assert support.best_cosine(claim, [PLANS, SYNC]) == pytest.approx(1.0, abs=1e-6)
    assert support.best_cosine(claim, [PLANS]) < 0.5


@pytest.mark.parametrize("passages", [[], [a_passage(" ")]])
def test_without_sentences_nothing_is_near(passages: list[Passage]) -> None:
    """The lowest cosine that there is."""
    assert EmbeddedSupport(FakeEmbedder()).best_cosine("Sync.", passages) == -1.0


def test_a_sentence_is_embedded_once() -> None:
    """Also for the next claim, and where two passages hold it; a failure is not kept."""
    embedder = CountingEmbedder()
    support = EmbeddedSupport(embedder)
    embedder.away = True
    with pytest.raises(Unavailable):
        support.best_cosine("One.", [SYNC])
    embedder.away = False
    for claim in ("One.", "Two.", "One."):
        support.best_cosine(claim, [SYNC, a_passage("It needs an account.")])
    assert sorted(embedder.asked) == sorted(
        ["One.", "One.", "Two.", "Sync keeps your notes on all devices.", "It needs an account."]
    )
