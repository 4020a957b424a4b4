"""Units and their vectors, from the indexer to the feed."""

import sqlalchemy as sa

from services.knowledge.domain.change_feed import ChunkChange
from services.knowledge.domain.chunking.blocks import Kind as PieceKind
from services.knowledge.domain.chunking.blocks import Piece
from services.knowledge.domain.chunking.passage import PassageKind
from services.knowledge.domain.document import Failure, Patch, Status
from services.knowledge.domain.indexing.preparing import MAX_DOCUMENT_BYTES, MAX_UNIT_VECTOR_BYTES
from services.knowledge.domain.units.unit import Kind, Unit
from services.knowledge.domain.units.vectors import quantised
from services.knowledge.storage.tables import CHUNKS
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop, page
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.failing_embedder import InterruptedEmbedder, PickyEmbedder

CONTENT = "Your plan renews. On the third.\n\n### How?\n\n1. Pay *now*."


def chunks(workshop: Workshop, after: int = 0) -> list[ChunkChange]:
    return [chunk for each in workshop.changes(after=after).sets for chunk in each.chunks]


def unit_vectors(workshop: Workshop, *texts: str) -> bytes:
    """What is expected of these texts."""
    return b"".join(quantised(workshop.embedder.embed_query(text)).tobytes() for text in texts)


def forget_units(workshop: Workshop) -> None:
    """Make the rows as they were before there were units."""
    with workshop.store.write() as tx:
        tx._connection.execute(CHUNKS.update().values(units=sa.null(), unit_vectors=None))


def test_units_travel_with_their_passage(workshop: Workshop) -> None:
    """The feed has each unit's place and, in the same order, its vector of one byte a dimension."""
    workshop.indexed(page(content=CONTENT))
    (chunk,) = chunks(workshop)
    assert chunk.kind is PassageKind.PASSAGE
    assert chunk.units == (
        Unit(0, 17, Kind.SENTENCE, 0, "", 0),
        Unit(18, 31, Kind.SENTENCE, 0, "", 1),
        Unit(46, 54, Kind.ITEM, 1, "How?", 0),
    )
    assert chunk.unit_vectors == unit_vectors(
        workshop,
        "Renewal\nYour plan renews.",
        "Renewal\nOn the third.",
        "Renewal\nHow?\nPay now.",
    )


def test_kept_passages_keep_their_units(workshop: Workshop) -> None:
    """A passage that only moves keeps its units' vectors as it keeps its own; nothing is embedded twice."""
    sections = [f"## Part {n}\n\n" + " ".join(f"Sentence {n} {m}." for m in range(60)) for n in range(3)]
    document = workshop.indexed(page(content="\n\n".join(sections[1:])))
    before = {chunk.chunk_id: (chunk.units, chunk.unit_vectors) for chunk in chunks(workshop)}
    embedded = set(workshop.embedder.embedded)
    workshop.embedder.embedded.clear()
    content = "\n\n".join(sections).encode()
    workshop.write.patch(WORKSPACE, document.id, Patch(content=content), "")
    workshop.index()
    assert not embedded & set(workshop.embedder.embedded)
    after = {chunk.chunk_id: (chunk.units, chunk.unit_vectors) for chunk in chunks(workshop)}
    assert before.items() <= after.items()
    assert all(len(vectors) == 8 * len(units) == 8 * 60 for units, vectors in after.values())


def test_rows_of_before_are_served_without_units(workshop: Workshop) -> None:
    """What was indexed before there were units is found as it was, until its document is indexed again."""
    sections = [f"## Part {n}\n\n" + f"Sentence {n} of the part. " * 40 for n in range(2)]
    document = workshop.indexed(page(content="\n\n".join(sections)))
    forget_units(workshop)
    old = chunks(workshop)
    assert [(each.units, each.unit_vectors, each.kind) for each in old] == [
        ((), b"", PassageKind.PASSAGE)
    ] * 2
    edited = "\n\n".join(sections).replace("Sentence 1", "Statement 1", 1)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=edited.encode()), "")
    workshop.index()
    kept, new = chunks(workshop, after=document.revision)
    assert kept.chunk_id == old[0].chunk_id
    assert (len(kept.units), len(new.units)) == (40, 40)
    assert len(kept.unit_vectors) == len(new.unit_vectors) == 320


def test_deleted_passages_leave_nothing_behind(workshop: Workshop) -> None:
    """A tombstone has neither units nor vectors of them."""
    document = workshop.indexed(page(content=CONTENT))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Else."), "")
    workshop.index()
    with workshop.store.read() as tx:
        (row,) = tx._connection.execute(sa.select(CHUNKS).where(CHUNKS.c.deleted))
    assert (row.text, row.units, row.unit_vectors, row.bytes) == ("", [], None, 0)


def test_answers_count_units_and_their_vectors(workshop: Workshop) -> None:
    """A part of the feed is as large as it may be, units and all."""
    for n in range(6):
        workshop.create(page(content=f"Text {n}. " * 40))
    workshop.index()
    (chunk,) = workshop.changes().sets[0].chunks
    room = 2 * (len(chunk.text) + len(chunk.vector) + len(chunk.unit_vectors) + 40 * 24)
    with workshop.store.read() as tx:
        assert len(tx.feed.changes(WORKSPACE, 1, 0, room).sets) == 1
        assert len(tx.feed.changes(WORKSPACE, 1, 0, room + 2 * 800).sets) == 2


def test_many_units_are_embedded_in_many_calls(workshop: Workshop) -> None:
    """Between calls of the model the indexer can be stopped, also within one document."""
    document = workshop.create(page(content=" ".join(f"Sentence {n}." for n in range(1000))))
    calls: list[int] = []
    embedder = InterruptedEmbedder(lambda: calls.append(len(embedder.embedded)))
    workshop.indexer(embedder=embedder).run(1, lambda: len(calls) == 5)
    assert len(calls) == 5
    assert calls[-1] <= 4 * 64
    assert chunks(workshop) == []
    assert workshop.document(document.id).status is Status.QUEUED
    workshop.index()
    assert sum(len(each.units) for each in chunks(workshop)) == 1000


def test_renewed_between_calls(workshop: Workshop) -> None:
    """However many units a document has, its claim is kept while its indexer is alive."""
    workshop.create(page(content=" ".join(f"Sentence {n}." for n in range(300))))

    def slow() -> None:
        workshop.clock.advance(14)
        indexer.renew()

    indexer = workshop.indexer(embedder=InterruptedEmbedder(slow))
    indexer.run(1, lambda: False)
    assert workshop.journal.losses == []
    assert sum(len(each.units) for each in chunks(workshop)) == 300


def test_neighbours_of_a_bad_document_keep_their_order(workshop: Workshop) -> None:
    """What was embedded before another document broke the call is embedded anew, not added to."""
    workshop.create(page(content=" ".join(f"Sentence {n} is fine." for n in range(40))))
    workshop.create(page(content=" ".join(f"Sentence {n} is fine." for n in range(150)) + " poison"))
    workshop.indexer(embedder=PickyEmbedder("poison")).run(10, lambda: False)
    made = chunks(workshop)
    assert sum(len(each.units) for each in made) == 40
    for chunk in made:
        texts = [f"Renewal\n{chunk.text[unit.start : unit.end]}" for unit in chunk.units]
        assert chunk.unit_vectors == unit_vectors(workshop, *texts)


def test_endless_units_are_left_out(workshop: Workshop) -> None:
    """The vectors of a document's units have a limit; passages beyond it have none, and are found."""
    dimensions = MAX_UNIT_VECTOR_BYTES // 250
    document = workshop.create(page(content="\n\n".join(f"One {n}. Two {n}." for n in range(150))))
    embedder = FakeEmbedder(dimensions=dimensions)
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    made = chunks(workshop)
    assert len(made) > 3
    units = [len(each.units) for each in made]
    assert sum(units) <= 250
    assert 0 in units
    assert all(len(each.unit_vectors) == len(each.units) * dimensions for each in made)
    assert workshop.document(document.id).status is Status.PUBLISHING


def test_document_that_no_replica_could_take_fails_at_once(workshop: Workshop) -> None:
    """A revision of the feed travels whole: what is too large for a message is failed with a reason."""
    document = workshop.create()
    text = "word " * 300
    dimensions = MAX_DOCUMENT_BYTES // 40
    embedder = FakeEmbedder(dimensions=dimensions)
    pieces = [Piece(PieceKind.CODE, text)] * 12
    workshop.indexer(embedder=embedder, extract=lambda _content, _type: pieces).run(1, lambda: False)
    detail = f"Its passages and their vectors take more than {MAX_DOCUMENT_BYTES} bytes."
    assert workshop.document(document.id).error == Failure("INDEX_TOO_LARGE", detail)
    assert embedder.embedded == []
