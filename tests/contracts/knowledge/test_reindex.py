"""Re-indexing: a new generation beside the old, and what is written meanwhile."""

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.document import DocumentId, Status
from services.knowledge.domain.errors import (
    DocumentNotFound,
    OperationNotFound,
    ReindexRunning,
)
from services.knowledge.domain.operation import Kind
from services.knowledge.domain.operation import Status as OperationStatus
from tests.contracts.knowledge.fleet import Fleet
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.failing_embedder import InterruptedEmbedder


def test_new_generation_takes_over(workshop: Workshop) -> None:
    """All is embedded anew with the present model; the old index is served until the switch."""
    fleet = Fleet(workshop)
    for n in range(3):
        workshop.create(page(f"p{n}", f"Text {n}."))
    fleet.settle()
    new = FakeEmbedder(model="new", dimensions=16)
    workshop.reindexing = workshop.reindexer(new)
    operation = workshop.reindex()
    assert (operation.kind, operation.status, operation.generation) == (
        Kind.REINDEX,
        OperationStatus.RUNNING,
        2,
    )
    assert (operation.counts.total, operation.counts.done) == (3, 0)
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.next_generation, index.previous_generation) == (1, 2, None)

    indexer = workshop.indexer(others=[new])
    indexer.run(2, lambda: False)
    assert fleet.now(operation).counts.done == 2
    indexer.run(2, lambda: False)
    assert len(new.embedded) >= 3
    fleet.step()
    assert fleet.generations == [1, 1]
    fleet.finish()
    assert fleet.generations == [2, 2]
    assert fleet.replicas[0].found() == fleet.replicas[1].found() == ["Text 0.", "Text 1.", "Text 2."]
    assert {len(chunk.vector) for chunk in fleet.replicas[0].files[2].chunks.values()} == {16 * 4}
    ended = fleet.now(operation)
    assert (ended.status, ended.counts.done, ended.counts.total) == (OperationStatus.SUCCEEDED, 3, 3)
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.next_generation, index.previous_generation) == (2, None, 1)
    assert (index.embedding_model, index.dimensions) == ("new", 16)
    assert {each.revision for each in index.replicas} == {index.revision} == {index.indexed_revision}


def test_empty_knowledge_base(workshop: Workshop) -> None:
    """A workspace that has no document, or never had one, gets its new generation all the same."""
    fleet = Fleet(workshop)
    operation = workshop.reindex()
    assert operation.counts.total == 0
    fleet.finish()
    assert fleet.now(operation).status is OperationStatus.SUCCEEDED
    workshop.create()
    fleet.settle()
    assert fleet.replicas[0].generation == 2
    assert fleet.replicas[0].found() != []


def test_writes_meanwhile_are_in_both(workshop: Workshop) -> None:
    """What is created, edited, tagged and deleted during a re-index is so before and after the switch."""
    fleet = Fleet(workshop)
    for name in ("kept", "edited", "deleted", "edited-later", "deleted-later"):
        workshop.create(page(name, f"{name} old."))
    fleet.settle()
    operation = workshop.reindex()
    workshop.push(page("edited", "edited new."), page("created", "created."))
    workshop.write.delete_by_external_id(WORKSPACE, "deleted", "")
    fleet.settle()
    workshop.push(page("edited-later", "edited-later new."), page("created-later", "created-later."))
    workshop.write.delete_by_external_id(WORKSPACE, "deleted-later", "")
    fleet.settle()
    wanted = ["created-later.", "created.", "edited new.", "edited-later new.", "kept old."]
    assert [each.found() for each in fleet.replicas] == [wanted, wanted]
    fleet.finish()
    assert fleet.generations == [2, 2]
    assert [each.found() for each in fleet.replicas] == [wanted, wanted]
    ended = fleet.now(operation)
    assert (ended.status, ended.counts.total) == (OperationStatus.SUCCEEDED, 5)
    documents = workshop.read.index(WORKSPACE)
    assert (documents.pending, documents.failed, documents.documents) == (0, 0, 5)


def test_documents_stay_indexed_meanwhile(workshop: Workshop) -> None:
    """A re-index changes nothing of what is shown of documents."""
    fleet = Fleet(workshop)
    document = workshop.create()
    fleet.settle()
    before = workshop.document(document.id)
    seen = []
    workshop.reindex()
    embedder = InterruptedEmbedder(lambda: seen.append(workshop.document(document.id)))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    fleet.finish()
    assert fleet.generations == [2, 2]
    assert [*seen, workshop.document(document.id)] == [before, before]


def test_callers_go_first(workshop: Workshop) -> None:
    """A document that is written during a re-index is indexed before what the re-index has queued."""
    fleet = Fleet(workshop)
    for n in range(5):
        workshop.create(page(f"p{n}"))
    fleet.settle()
    workshop.reindex()
    workshop.clock.advance(1)
    created = workshop.create(page("new"))
    assert workshop.index(1) == 1
    assert workshop.document(created.id).status is Status.PUBLISHING


def test_one_at_a_time(workshop: Workshop) -> None:
    """While a re-index runs, neither another nor a rollback begins; another workspace is not concerned."""
    workshop.indexed()
    document = workshop.indexed()
    workshop.reindex()
    with pytest.raises(ReindexRunning):
        workshop.reindex()
    with pytest.raises(ReindexRunning):
        workshop.reindex(document.id)
    with pytest.raises(ReindexRunning):
        workshop.roll_back()
    assert workshop.reindex(workspace_id=OTHER).status is OperationStatus.RUNNING


def test_re_indexes_of_others_are_not_found(workshop: Workshop) -> None:
    """Another workspace can neither see nor cancel a re-index."""
    operation = workshop.reindex()
    for ask in (workshop.operations.get, workshop.operations.cancel):
        with pytest.raises(OperationNotFound):
            ask(OTHER, operation.id)


def test_documents_are_made_anew_where_they_are(workshop: Workshop) -> None:
    """Named documents are embedded again in the generation that serves; the others are not."""
    fleet = Fleet(workshop)
    first, second = workshop.create(page("a", "One.")), workshop.create(page("b", "Two."))
    fleet.settle()
    before = len(workshop.embedder.embedded)
    operation = workshop.reindex(first.id, first.id)
    assert (operation.kind, operation.generation, operation.counts.total) == (Kind.REINDEX, None, 1)
    fleet.settle()
    assert fleet.now(operation).status is OperationStatus.SUCCEEDED
    assert {text for text in workshop.embedder.embedded[before:] if "Two" in text} == set()
    assert len(workshop.embedder.embedded) > before
    assert workshop.document(first.id).status is workshop.document(second.id).status is Status.INDEXED
    assert workshop.read.index(WORKSPACE).generation == 1


def test_cancelled_documents_stay_as_they_are(workshop: Workshop) -> None:
    """Documents that were to be made anew are in the index as before when that is cancelled."""
    fleet = Fleet(workshop)
    document = workshop.create()
    fleet.settle()
    operation = workshop.reindex(document.id)
    assert workshop.operations.cancel(WORKSPACE, operation.id).status is OperationStatus.CANCELLED
    assert workshop.index() == 0
    assert workshop.document(document.id).status is Status.INDEXED


def test_wrong_documents_are_refused(workshop: Workshop) -> None:
    """Unknown documents, those of others, and too many are named, and nothing begins."""
    mine, others = workshop.indexed(), workshop.indexed(workspace_id=OTHER)
    with pytest.raises(DocumentNotFound) as caught:
        workshop.reindex(DocumentId("doc_none"), mine.id, others.id)
    assert [each.pointer for each in caught.value.violations] == ["/document_ids/0", "/document_ids/2"]
    with pytest.raises(InvalidArgument):
        workshop.reindex(*(DocumentId(f"doc_{n}") for n in range(1001)))
    kinds = {each.kind for each in workshop.operations.page(WORKSPACE, 50, "").items}
    assert kinds == {Kind.WRITE}
