"""A document's way from its write to the index, and out of it."""

from services.knowledge.domain.document import Patch, Status
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.documents import ListFilters
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page


def test_created_document_waits_in_the_queue(workshop: Workshop) -> None:
    """A new document is queued at a place, and search knows nothing of it."""
    workshop.create()
    second = workshop.create()
    shown = workshop.read.get(WORKSPACE, second.id)
    assert shown.document.status is Status.QUEUED
    assert shown.place is not None
    assert shown.place.position == 2
    assert shown.place.ready_at > workshop.clock.now()
    assert shown.content == b"Your plan renews on the third."
    assert workshop.changes().sets == []


def test_indexed_when_every_live_replica_has_it(workshop: Workshop) -> None:
    """A document is indexed once all live replicas acknowledged its revision, not before."""
    created = workshop.create()
    workshop.sync(replica="replica-1")
    workshop.sync(replica="replica-2")
    assert workshop.index() == 1
    head = workshop.changes().head_revision
    workshop.sync((WORKSPACE, head), replica="replica-1")
    assert workshop.document(created.id).status.public == "indexing"
    workshop.sync((WORKSPACE, head), replica="replica-2")
    document = workshop.document(created.id)
    assert document.status is Status.INDEXED
    assert document.indexed_at == workshop.clock.now()
    assert (document.chunks, document.revision) == (1, head)


def test_only_what_is_acknowledged_is_indexed(workshop: Workshop) -> None:
    """An acknowledgement counts up to its revision."""
    first, second = workshop.create(), workshop.create()
    workshop.index()
    workshop.sync((WORKSPACE, 1))
    assert workshop.document(first.id).status is Status.INDEXED
    assert workshop.document(second.id).status is Status.PUBLISHING


def test_nothing_is_indexed_without_a_live_replica(workshop: Workshop) -> None:
    """While no replica holds a lease, documents stay on their way."""
    created = workshop.create()
    workshop.sync()
    workshop.index()
    workshop.clock.advance(11)
    workshop.follow.settle()
    assert workshop.document(created.id).status is Status.PUBLISHING
    assert workshop.read.index(WORKSPACE).indexed_revision == 0


def test_a_dead_replica_does_not_hold_up_the_others(workshop: Workshop) -> None:
    """When the lease of the one that is behind lapses, what the others have counts."""
    created = workshop.create()
    workshop.sync(replica="dead")
    workshop.index()
    workshop.settle(replica="alive")
    assert workshop.document(created.id).status is Status.PUBLISHING
    workshop.clock.advance(9)
    workshop.sync(replica="alive")
    workshop.clock.advance(2)
    workshop.follow.settle()
    assert workshop.document(created.id).status is Status.INDEXED


def test_a_restarted_replica_is_believed_only_what_it_says_anew(workshop: Workshop) -> None:
    """`reset` takes back all earlier acknowledgements."""
    workshop.indexed()
    workshop.sync(reset=True)
    index = workshop.read.index(WORKSPACE)
    assert index.revision == 1
    assert [each.revision for each in index.replicas] == [0]


def test_stays_indexed_when_a_new_replica_joins(workshop: Workshop) -> None:
    """What was indexed stays so while another replica catches up."""
    document = workshop.indexed()
    workshop.sync(replica="new")
    workshop.follow.settle()
    assert workshop.document(document.id).status is Status.INDEXED


def test_document_without_text_is_indexed_with_no_chunks(workshop: Workshop) -> None:
    """Front matter alone, or nothing at all, takes the same way and ends with 0 chunks."""
    for content in ("", "---\nlayout: redirect\n---\n"):
        document = workshop.indexed(page(content=content))
        assert (document.status, document.chunks) == (Status.INDEXED, 0)
    assert workshop.embedder.embedded == []


def test_patch_of_tags_embeds_nothing(workshop: Workshop) -> None:
    """A change of filters is one new revision of the document's row alone."""
    document = workshop.indexed()
    before = len(workshop.embedder.embedded)
    patched = workshop.write.patch(WORKSPACE, document.id, Patch(tags=("billing",), active=False), "")
    assert patched.status is Status.INDEXED
    assert patched.revision == document.revision + 1
    assert workshop.index() == 0
    assert len(workshop.embedder.embedded) == before
    (change,) = workshop.changes(after=document.revision).sets
    assert [(each.tags, each.active) for each in change.documents] == [(("billing",), False)]
    assert change.chunks == []
    assert workshop.operations.page(WORKSPACE, 50, "").items[0].status is OperationStatus.SUCCEEDED


def test_edit_of_one_paragraph_embeds_one_chunk(workshop: Workshop) -> None:
    """Chunk ids come from content: only what an edit touches is embedded and sent again."""
    sections = [f"## Part {n}\n\n" + f"Sentence {n} of the part. " * 40 for n in range(5)]
    document = workshop.indexed(page(content="\n\n".join(sections)))
    assert document.chunks == 5
    workshop.embedder.embedded.clear()
    edited = "\n\n".join(sections).replace("Sentence 3", "Statement 3", 1)
    workshop.write.patch(WORKSPACE, document.id, Patch(content=edited.encode()), "")
    workshop.index()
    passage, *sentences = workshop.embedder.embedded
    assert passage.startswith("Renewal\nPart 3\nStatement 3 of the part. Sentence 3")
    assert sentences == [f"Renewal\nPart 3\n{word} 3 of the part." for word in ("Statement", "Sentence")]
    (change,) = workshop.changes(after=document.revision).sets
    assert (len(change.chunks), len(change.gone_chunks)) == (1, 1)
    assert change.chunks[0].heading_path == ("Part 3",)
    workshop.settle()
    assert workshop.document(document.id).status is Status.INDEXED


def test_moved_passages_are_told_but_not_embedded(workshop: Workshop) -> None:
    """A section put in front moves the others: replicas learn the new places, the model is not asked."""
    sections = [f"## Part {n}\n\n" + f"Sentence {n} of the part. " * 40 for n in range(3)]
    document = workshop.indexed(page(content="\n\n".join(sections[1:])))
    workshop.embedder.embedded.clear()
    content = "\n\n".join(sections).encode()
    workshop.write.patch(WORKSPACE, document.id, Patch(content=content), "")
    workshop.index()
    assert all(text.startswith("Renewal\nPart 0\n") for text in workshop.embedder.embedded)
    (change,) = workshop.changes(after=document.revision).sets
    assert [(chunk.ordinal, chunk.heading_path) for chunk in change.chunks] == [
        (n, (f"Part {n}",)) for n in range(3)
    ]


def test_passage_that_comes_back_is_no_tombstone(workshop: Workshop) -> None:
    """An edit that is taken back brings the passage back under its old id."""
    document = workshop.indexed()
    first = workshop.changes().sets[0].chunks[0].chunk_id
    for content in (b"Something else.", b"Your plan renews on the third."):
        workshop.write.patch(WORKSPACE, document.id, Patch(content=content), "")
        workshop.index()
    sets = workshop.changes().sets
    assert [chunk.chunk_id for each in sets for chunk in each.chunks] == [first]
    assert first not in [gone for each in sets for gone in each.gone_chunks]


def test_title_change_embeds_again(workshop: Workshop) -> None:
    """The title is part of what is embedded."""
    document = workshop.indexed()
    workshop.write.patch(WORKSPACE, document.id, Patch(title="Billing"), "")
    assert workshop.document(document.id).status is Status.QUEUED
    workshop.index()
    assert workshop.embedder.embedded[-1].startswith("Billing\n")


def test_an_external_id_is_free_after_its_deletion(workshop: Workshop) -> None:
    """A deleted document's external id can be used again, by a document of another id."""
    first = workshop.indexed(page("faq"))
    workshop.write.delete_by_external_id(WORKSPACE, "faq", "")
    second = workshop.indexed(page("faq"))
    assert second.id != first.id
    sets = workshop.changes().sets
    assert [gone for each in sets for gone in each.gone_documents] == [first.id]


def test_workspaces_do_not_see_each_other(workshop: Workshop) -> None:
    """Lists, totals and feeds hold what is the workspace's own."""
    workshop.indexed(page("faq"))
    assert workshop.read.page(OTHER, ListFilters(), 50, "").items == []
    assert workshop.read.index(OTHER).documents == 0
    assert workshop.changes(OTHER).sets == ()
    assert workshop.operations.page(OTHER, 50, "").items == []
    workshop.indexed(page("faq"), OTHER)
    assert workshop.read.index(OTHER).documents == 1
