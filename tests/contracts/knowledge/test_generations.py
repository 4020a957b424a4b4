"""The indexer and the generations that are beside each other: which of them a claimed document goes into."""

import sqlalchemy as sa

from services.knowledge.domain.change_feed import ChunkChange
from services.knowledge.domain.document import Document, DocumentId, Patch, Status
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.queue import GAVE_UP
from services.knowledge.storage.tables import CHUNK_VERSIONS, CHUNKS, GENERATION_DOCUMENTS
from tests.contracts.knowledge.fleet import SWITCH_SECONDS, Fleet
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.failing_embedder import InterruptedEmbedder, PickyEmbedder, UnreachableEmbedder

NEW = "new-model"
SECTIONS = [f"## Part {n}\n\n" + f"Sentence {n} of the part. " * 40 for n in range(3)]


def found(workshop: Workshop, generation: int) -> dict[str, ChunkChange]:
    """What a follower of a generation has, by its text."""
    alive: dict[str, ChunkChange] = {}
    for each in workshop.changes(generation=generation).sets:
        alive |= {chunk.text: chunk for chunk in each.chunks}
    return alive


def edit(workshop: Workshop, document: Document, content: str) -> None:
    workshop.write.patch(WORKSPACE, document.id, Patch(content=content.encode()), "")


def versions(workshop: Workshop, document_id: DocumentId) -> dict[int, int]:
    """The content version that each generation has."""
    g = GENERATION_DOCUMENTS.c
    with workshop.store.read() as tx:
        rows = tx._connection.execute(
            sa.select(g.generation, g.content_version).where(g.document_id == document_id)
        )
        return {row.generation: row.content_version for row in rows}


def archived(workshop: Workshop) -> list[tuple[int, str, int, int]]:
    """Generation, text, since and until of all versions of passages."""
    v = CHUNK_VERSIONS.c
    with workshop.store.read() as tx:
        query = sa.select(v.generation, v.text, v.since, v.until).order_by(v.until, v.text)
        return [(row.generation, row.text, row.since, row.until) for row in tx._connection.execute(query)]


def test_writes_go_into_both_generations(workshop: Workshop) -> None:
    """While a re-index runs, a new document is in both by one revision, and is embedded once."""
    workshop.indexed()
    workshop.reindex()
    workshop.index()
    workshop.embedder.embedded.clear()
    fresh = workshop.create(page(content="Fresh."))
    workshop.index()
    revision = workshop.document(fresh.id).revision
    for generation in (1, 2):
        newest = workshop.changes(generation=generation).sets[-1]
        assert (newest.revision, [chunk.text for chunk in newest.chunks]) == (revision, ["Fresh."])
    assert len(workshop.embedder.embedded) == 1


def test_reindex_embeds_anew_and_touches_nothing_else(workshop: Workshop) -> None:
    """The next generation is made of the texts; the document and the index that serves stay as they are."""
    document = workshop.indexed()
    before = workshop.changes(generation=1)
    workshop.reindex()
    workshop.embedder.embedded.clear()
    seen: list[Document] = []
    embedder = InterruptedEmbedder(lambda: seen.append(workshop.document(document.id)))
    workshop.indexer(embedder=embedder).run(10, lambda: False)
    assert len(embedder.embedded) == 1
    assert seen == [document] == [workshop.document(document.id)]
    assert workshop.changes(generation=1).sets == before.sets
    assert [*found(workshop, 2)] == ["Your plan renews on the third."]


def test_each_generation_is_made_with_its_model(workshop: Workshop) -> None:
    """During a change of the model an edit has vectors of the old one here, of the new one there."""
    document = workshop.indexed()
    new = FakeEmbedder(model=NEW, dimensions=16)
    workshop.reindexer(new).start(WORKSPACE, [], None, lambda _: b"")
    edit(workshop, document, "Edited.")
    workshop.indexer(embedder=new, others=[workshop.embedder]).run(10, lambda: False)
    assert len(found(workshop, 1)["Edited."].vector) == 8 * 4
    assert len(found(workshop, 2)["Edited."].vector) == 16 * 4
    assert versions(workshop, document.id) == {1: 2, 2: 2}


def test_indexer_without_one_of_the_models_leaves_the_workspace_alone(workshop: Workshop) -> None:
    """Half of a document is never written; the operator is told where nobody comes."""
    workshop.indexed()
    workshop.reindexer(FakeEmbedder(model=NEW)).start(WORKSPACE, [], None, lambda _: b"")
    workshop.create()
    workshop.create(workspace_id=OTHER)
    indexer = workshop.indexer()
    assert indexer.run(10, lambda: False) == 1
    assert indexer.left_alone() == [WORKSPACE]
    both = workshop.indexer(embedder=FakeEmbedder(model=NEW), others=[workshop.embedder])
    assert both.left_alone() == []
    assert both.run(10, lambda: False) == 2


def test_reindex_that_begins_between_claim_and_commit(workshop: Workshop) -> None:
    """What was embedded whole for one generation is in both at once; what was not is so in the end."""
    kept = workshop.indexed(page(content="\n\n".join(SECTIONS[:2])))
    fresh = workshop.create(page(content="Fresh."))
    edit(workshop, kept, "\n\n".join(SECTIONS))
    begun: list[object] = []

    def begin_once() -> None:
        if not begun:
            begun.append(workshop.reindex())

    embedder = InterruptedEmbedder(begin_once)
    workshop.indexer(embedder=embedder).run(10, lambda: False)
    assert versions(workshop, fresh.id) == {1: 1, 2: 1}
    assert versions(workshop, kept.id) == {1: 2}
    assert workshop.document(kept.id).status is Status.PUBLISHING
    assert workshop.index() == 1
    assert versions(workshop, kept.id) == {1: 2, 2: 2}
    assert found(workshop, 2).keys() == found(workshop, 1).keys()


def test_reindex_that_is_cancelled_between_claim_and_commit(workshop: Workshop) -> None:
    """Nothing is written into a generation that is no more; what callers wrote is indexed all the same."""
    workshop.indexed()
    operation = workshop.reindex()
    fresh = workshop.create(page(content="Fresh."))
    embedder = InterruptedEmbedder(lambda: workshop.operations.cancel(WORKSPACE, operation.id))
    workshop.indexer(embedder=embedder).run(10, lambda: False)
    assert versions(workshop, fresh.id) == {1: 1}
    assert workshop.document(fresh.id).status is Status.PUBLISHING
    assert workshop.index() == 0


def test_new_model_that_is_away_holds_up_no_edit(workshop: Workshop) -> None:
    """An edit is searchable at once, and comes into the next generation when its model is back."""
    document = workshop.indexed()
    workshop.reindexer(FakeEmbedder(model=NEW, dimensions=8)).start(WORKSPACE, [], None, lambda _: b"")
    edit(workshop, document, "Edited.")
    away = UnreachableEmbedder(model=NEW, dimensions=8)
    workshop.indexer(embedder=away, others=[workshop.embedder]).run(10, lambda: False)
    assert workshop.document(document.id).status is Status.PUBLISHING
    assert versions(workshop, document.id) == {1: 2}
    workshop.clock.advance(10)
    back = FakeEmbedder(model=NEW, dimensions=8)
    assert workshop.indexer(embedder=back, others=[workshop.embedder]).run(10, lambda: False) == 1
    assert versions(workshop, document.id) == {1: 2, 2: 2}


def test_old_model_that_is_gone_holds_up_no_reindex(workshop: Workshop) -> None:
    """An edit goes into the next generation alone then, and is indexed once that one serves."""
    fleet = Fleet(workshop)
    document = workshop.create()
    fleet.settle()
    new = FakeEmbedder(model=NEW, dimensions=8)
    workshop.reindexer(new).start(WORKSPACE, [], None, lambda _: b"")
    edit(workshop, document, "Edited.")
    indexer = workshop.indexer(embedder=new, others=[UnreachableEmbedder(dimensions=8)])
    indexer.run(10, lambda: False)
    assert versions(workshop, document.id) == {1: 1, 2: 2}
    assert workshop.document(document.id).status is Status.QUEUED
    workshop.switching.advance()
    fleet.step()
    workshop.switching.advance()
    fleet.pass_time(SWITCH_SECONDS)
    workshop.switching.advance()
    assert workshop.read.index(WORKSPACE).generation == 2
    assert indexer.run(10, lambda: False) == 1
    fleet.step()
    assert workshop.document(document.id).status is Status.INDEXED
    assert fleet.found == ["Edited."]


def test_whole_generation_is_never_left_behind(workshop: Workshop) -> None:
    """Once the switch may come at any time, an edit is in both generations or in neither."""
    fleet = Fleet(workshop)
    document = workshop.create()
    fleet.settle()
    new = FakeEmbedder(model=NEW, dimensions=8)
    workshop.reindexer(new).start(WORKSPACE, [], None, lambda _: b"")
    workshop.indexer(embedder=new, others=[workshop.embedder]).run(10, lambda: False)
    workshop.switching.advance()
    edit(workshop, document, "Edited.")
    away = UnreachableEmbedder(model=NEW, dimensions=8)
    workshop.indexer(embedder=away, others=[workshop.embedder]).run(10, lambda: False)
    assert versions(workshop, document.id) == {1: 1, 2: 1}
    assert workshop.document(document.id).status is Status.QUEUED
    workshop.clock.advance(10)
    workshop.indexer(embedder=new, others=[workshop.embedder]).run(10, lambda: False)
    assert versions(workshop, document.id) == {1: 2, 2: 2}


def test_what_a_new_model_breaks_on_fails_in_the_reindex_alone(workshop: Workshop) -> None:
    """The document is and stays indexed; only the re-index names it."""
    document = workshop.indexed(page(content="poison"))
    new = PickyEmbedder("poison", model=NEW)
    workshop.reindexer(new).start(WORKSPACE, [], None, lambda _: b"")
    indexer = workshop.indexer(embedder=new, others=[workshop.embedder])
    for pause in (0, 1, 4, 16, 60):
        workshop.clock.advance(pause)
        assert indexer.run(10, lambda: False) == 1
    assert indexer.run(10, lambda: False) == 0
    assert workshop.document(document.id) == document
    (running, *_) = workshop.operations.page(WORKSPACE, 1, "").items
    assert [each.failure for each in running.errors] == [GAVE_UP]


def test_document_that_failed_is_tried_again_by_a_reindex(workshop: Workshop) -> None:
    """What failed when it was written is in both generations if it can be indexed now."""
    document = workshop.create(page(content="poison"))
    picky = workshop.indexer(embedder=PickyEmbedder("poison"))
    for _ in range(5):
        picky.run(10, lambda: False)
        workshop.clock.advance(60)
    assert workshop.document(document.id).status is Status.FAILED
    workshop.reindex()
    assert workshop.index() == 1
    workshop.settle()
    assert workshop.document(document.id).status is Status.INDEXED
    assert versions(workshop, document.id) == {1: 1, 2: 1}


def test_in_place_everything_is_embedded_anew(workshop: Workshop) -> None:
    """Single documents are made again where they are; what they replace belongs to the past."""
    document = workshop.indexed(page(content="\n\n".join(SECTIONS)))
    other = workshop.indexed(page(content="Other."))
    workshop.embedder.embedded.clear()
    operation = workshop.reindex(document.id)
    assert workshop.index() == 1
    assert workshop.journal.embedded[-1] == (document.id, document.chunks)
    made = workshop.changes(after=other.revision).sets
    assert sum(len(each.chunks) for each in made) == document.chunks
    assert len(archived(workshop)) == document.chunks
    workshop.settle()
    assert workshop.document(document.id).status is Status.INDEXED
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.SUCCEEDED


def test_wish_that_comes_while_a_document_is_worked_on(workshop: Workshop) -> None:
    """Asked for anew between claim and commit, a document is embedded once more."""
    document = workshop.create()
    embedder = InterruptedEmbedder(lambda: None if workshop.journal.claims else workshop.reindex(document.id))
    indexer = workshop.indexer(embedder=embedder)
    indexer.run(10, lambda: False)
    assert workshop.document(document.id).status is Status.PUBLISHING
    assert indexer.run(10, lambda: False) == 1
    assert [each.anew for each in workshop.journal.claims] == [False, True]
    assert indexer.run(10, lambda: False) == 0


def test_edit_of_one_paragraph_embeds_one_chunk(workshop: Workshop) -> None:
    """The document says so, and the replaced passage belongs to the past."""
    document = workshop.indexed(page(content="\n\n".join(SECTIONS)))
    assert document.chunks_embedded == document.chunks == 3
    edit(workshop, document, "\n\n".join(SECTIONS).replace("Sentence 1", "Statement 1", 1))
    workshop.index()
    after = workshop.document(document.id)
    assert (after.chunks, after.chunks_embedded) == (3, 1)
    ((generation, text, since, until),) = archived(workshop)
    assert (generation, since, until) == (1, document.revision, after.revision)
    assert text.startswith("Sentence 1")


def test_moved_passages_are_as_old_as_before(workshop: Workshop) -> None:
    """A new place in the document is no new passage: nothing is archived, and it is there since it came."""
    document = workshop.indexed(page(content="\n\n".join(SECTIONS[1:])))
    edit(workshop, document, "\n\n".join(SECTIONS))
    workshop.index()
    c = CHUNKS.c
    with workshop.store.read() as tx:
        rows = tx._connection.execute(sa.select(c.ordinal, c.since, c.revision).order_by(c.ordinal)).all()
    new = workshop.document(document.id).revision
    assert [tuple(row) for row in rows] == [
        (0, new, new),
        (1, document.revision, new),
        (2, document.revision, new),
    ]
    assert archived(workshop) == []


def test_generation_that_never_served_has_no_past(workshop: Workshop) -> None:
    """What an edit replaces in the next generation nobody has seen."""
    document = workshop.indexed()
    workshop.reindex()
    workshop.index()
    edit(workshop, document, "Edited.")
    workshop.index()
    assert [generation for generation, *_ in archived(workshop)] == [1]
    assert versions(workshop, document.id) == {1: 2, 2: 2}


def test_what_callers_write_goes_before_the_reindex(workshop: Workshop) -> None:
    """However many wait for the next generation; an edit of one of them waits from now on, not from then."""
    olds = [workshop.indexed(page(f"o{n}", f"Old {n}.")) for n in range(5)]
    workshop.reindex()
    workshop.clock.advance(60)
    fresh = workshop.create(page("fresh"))
    workshop.clock.advance(1)
    edit(workshop, olds[3], "Edited.")
    place = workshop.read.get(WORKSPACE, olds[3].id).place
    assert place is not None
    assert place.position == 2
    workshop.journal.claims.clear()
    workshop.index(limit=3)
    assert [claim.document_id for claim in workshop.journal.claims][:2] == [fresh.id, olds[3].id]


def test_deletion_leaves_nothing_in_any_generation(workshop: Workshop) -> None:
    """Also while a re-index runs; other documents keep what they have."""
    document, other = workshop.indexed(), workshop.indexed(page(content="Other."))
    workshop.reindex()
    workshop.index()
    with workshop.store.write() as tx:
        assert tx.chunks.delete_document(WORKSPACE, document.id) == 2
    assert versions(workshop, document.id) == {}
    assert versions(workshop, other.id) == {1: 1, 2: 1}
    assert [*found(workshop, 2)] == [*found(workshop, 1)] == ["Other."]
