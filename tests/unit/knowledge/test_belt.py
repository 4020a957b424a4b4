"""Documents between two threads of the indexer."""

import threading

from services.embedding.domain.embedder import Embedder
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.chunking.passage import Passage, chunks
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.indexing.work import Share, Work
from services.knowledge.domain.queue import Claim
from services.knowledge.indexer.belt import Belt
from tests.fakes.embedder import FakeEmbedder

EMBEDDER: Embedder = FakeEmbedder()


def work(name: str, texts: int) -> Work:
    """A document of which so many texts are to be embedded: passages of one sentence each."""
    made = chunks(DocumentId(name), "", [Passage((), f"Text {n}.", 3) for n in range(texts // 2)], 1000)
    share = Share(EMBEDDER, made, made)
    return Work(Claim(WorkspaceId("ws"), DocumentId(name), 1, 1), {EMBEDDER.model: share})


def names(works: list[Work]) -> list[str]:
    return [each.claim.document_id for each in works]


def test_takes_as_much_as_is_wanted() -> None:
    """Whole documents, the first ones first, up to the one that fills the measure."""
    belt = Belt(100)
    for name in ("a", "b", "c"):
        belt.put(work(name, 10))
    assert names(belt.take(15)) == ["a", "b"]
    assert names(belt.take(15)) == ["c"]


def test_full_belt_keeps_the_next_one_waiting() -> None:
    """Whoever puts waits until there is room; a document that is larger than the belt travels alone."""
    belt = Belt(10)
    belt.put(work("large", 50))
    waiting = threading.Thread(target=belt.put, args=(work("small", 2),))
    waiting.start()
    assert waiting.is_alive()
    assert names(belt.take(64)) == ["large"]
    waiting.join(10)
    assert names(belt.take(64)) == ["small"]


def test_closed_belt_hands_out_what_it_has_and_then_nothing() -> None:
    """Who takes need not know how many come; nobody waits for what never comes."""
    belt = Belt(10)
    belt.put(work("a", 2))
    belt.close()
    assert names(belt.take(1)) == ["a"]
    assert belt.take(1) == []
