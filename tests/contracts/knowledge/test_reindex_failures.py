"""Re-indexes that come to nothing: lost documents, cancelling, what is left of them."""

import pytest

from services.embedding.domain.embedder import ModelName
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import (
    IndexingFailed,
    OperationFinished,
)
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.queue import MAX_ATTEMPTS
from services.knowledge.extraction.extractor import extract
from tests.contracts.knowledge.fleet import SWITCH_SECONDS, Fleet
from tests.contracts.knowledge.search_replica import SearchReplica
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop, page
from tests.fakes.failing_embedder import InterruptedEmbedder, PickyEmbedder


def refusing(word: bytes, content: bytes, content_type: ContentType) -> list[Block]:
    """Extract, but for contents with a word."""
    if word in content:
        raise IndexingFailed("EXTRACTION_FAILED", "No.")
    return list(extract(content, content_type))


def test_lost_document_stops_the_switch(workshop: Workshop) -> None:
    """A document that is found now and can't be indexed any more is named; the old index serves on."""
    fleet = Fleet(workshop)
    workshop.create(page("good", "Good."))
    workshop.create(page("bad", "Bad."))
    fleet.settle()
    operation = workshop.reindex()
    indexer = workshop.indexer(extract=lambda *those: refusing(b"Bad", *those))
    indexer.run(10, lambda: False)
    running = fleet.now(operation)
    assert (running.status, running.counts.done, running.counts.failed) == (OperationStatus.RUNNING, 1, 1)
    fleet.finish()
    ended = fleet.now(operation)
    assert ended.status is OperationStatus.FAILED
    (error,) = ended.errors
    assert (error.external_id, error.failure.code) == ("bad", "EXTRACTION_FAILED")
    assert error.failure.detail.startswith("No. It can be found now")
    assert [each.found() for each in fleet.replicas] == [["Bad.", "Good."]] * 2
    assert [sorted(each.files) for each in fleet.replicas] == [[1], [1]]
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.next_generation, index.failed) == (1, None, 0)


def test_lost_document_can_be_saved(workshop: Workshop) -> None:
    """A document that failed in a re-index and is mended or deleted before its end is no hindrance."""
    fleet = Fleet(workshop)
    for name in ("mended", "deleted", "good"):
        workshop.create(page(name, f"Bad {name}."))
    fleet.settle()
    operation = workshop.reindex()
    indexer = workshop.indexer(extract=lambda *those: refusing(b"Bad", *those))
    indexer.run(2, lambda: False)
    assert fleet.now(operation).counts.failed == 2
    workshop.push(page("mended", "Mended."))
    workshop.write.delete_by_external_id(WORKSPACE, "deleted", "")
    fleet.finish()
    assert fleet.replicas[0].generation == 2
    assert fleet.replicas[0].found() == ["Bad good.", "Mended."]


def test_what_had_failed_before_may_fail_again(workshop: Workshop) -> None:
    """A document that search never had does not stop the switch; the operation says that it failed."""
    fleet = Fleet(workshop)
    workshop.create(page("good", "Good."))
    workshop.create(page("bad", "Bad."))
    indexer = workshop.indexer(extract=lambda *those: refusing(b"Bad", *those))
    indexer.run(10, lambda: False)
    operation = workshop.reindex()
    indexer.run(10, lambda: False)
    fleet.finish()
    ended = fleet.now(operation)
    assert (ended.status, ended.counts.done, ended.counts.failed) == (
        OperationStatus.PARTIALLY_FAILED,
        1,
        1,
    )
    assert fleet.replicas[0].generation == 2
    assert workshop.read.index(WORKSPACE).failed == 1


def test_new_document_that_the_next_generation_can_not_have(workshop: Workshop) -> None:
    """A document newer than the re-index that fails in the next generation alone is named; nothing hangs."""
    fleet = Fleet(workshop)
    workshop.create(page("a", "Text."))
    fleet.settle()
    new = PickyEmbedder("Later", dimensions=16)
    new.model = ModelName("new")
    workshop.reindexing = workshop.reindexer(new)
    operation = workshop.reindex()
    document = workshop.create(page("b", "Later."))
    indexer = workshop.indexer(others=[new])
    for _ in range(MAX_ATTEMPTS):
        while indexer.run(10, lambda: False):
            fleet.step()
        workshop.clock.advance(60)
    fleet.step()
    assert fleet.now(operation).counts.failed == 1
    fleet.finish()
    ended = fleet.now(operation)
    assert ended.status is OperationStatus.FAILED
    assert [(each.document_id, each.external_id) for each in ended.errors] == [(document.id, "b")]
    assert fleet.found == ["Later.", "Text."]


def test_cancel_drops_the_next_generation(workshop: Workshop) -> None:
    """A cancelled re-index leaves the index as it was, and no work behind."""
    fleet = Fleet(workshop)
    for n in range(3):
        workshop.create(page(f"p{n}", f"Text {n}."))
    fleet.settle()
    operation = workshop.reindex()
    workshop.index(1)
    fleet.step()
    assert sorted(fleet.replicas[0].files) == [1, 2]
    cancelled = workshop.operations.cancel(WORKSPACE, operation.id)
    assert (cancelled.status, cancelled.counts.cancelled) == (OperationStatus.CANCELLED, 3)
    assert workshop.index() == 0
    fleet.step()
    assert [sorted(each.files) for each in fleet.replicas] == [[1], [1]]
    assert fleet.replicas[0].found() == ["Text 0.", "Text 1.", "Text 2."]
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.next_generation, index.pending, index.failed) == (1, None, 0, 0)
    with pytest.raises(OperationFinished):
        workshop.operations.cancel(WORKSPACE, operation.id)


def test_cancel_when_all_is_done(workshop: Workshop) -> None:
    """A re-index that waits for its switch alone can be cancelled, too."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    operation = workshop.reindex()
    fleet.settle()
    workshop.switching.advance()
    assert workshop.operations.cancel(WORKSPACE, operation.id).status is OperationStatus.CANCELLED


def test_set_switch_can_not_be_cancelled(workshop: Workshop) -> None:
    """Replicas go over by themselves: from when the switch is set there is no way back but a rollback."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    operation = workshop.reindex()
    fleet.set_switch()
    with pytest.raises(OperationFinished):
        workshop.operations.cancel(WORKSPACE, operation.id)
    fleet.pass_time(SWITCH_SECONDS)
    workshop.switching.advance()
    assert fleet.now(operation).status is OperationStatus.SUCCEEDED


def test_cancelled_generation_is_given_no_second_time(workshop: Workshop) -> None:
    """Numbers of generations are not used again, so that no replica takes an old file for a new one."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    workshop.operations.cancel(WORKSPACE, workshop.reindex().id)
    workshop.switching.clear()
    assert workshop.reindex().generation == 3
    fleet.finish()
    assert fleet.replicas[0].generation == 3


def test_indexer_that_commits_after_a_cancel(workshop: Workshop) -> None:
    """What was claimed for a generation that is no more is written nowhere."""
    fleet = Fleet(workshop)
    workshop.create(page("a", "Text."))
    fleet.settle()
    operation = workshop.reindex()
    embedder = InterruptedEmbedder(lambda: workshop.operations.cancel(WORKSPACE, operation.id))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    fleet.step()
    assert fleet.replicas[0].found() == ["Text."]
    assert workshop.read.index(WORKSPACE).pending == 0
    with workshop.store.read() as tx:
        assert tx.reindexes.discarded() == [(WORKSPACE, 2)]


def test_discarded_generations_leave_nothing(workshop: Workshop) -> None:
    """Rows of generations that nobody can go back to are removed, piece by piece, and others' stay."""
    fleet = Fleet(workshop)
    for n in range(3):
        workshop.create(page(f"p{n}", f"Text {n}."))
    fleet.settle()
    for _ in range(3):
        workshop.reindex()
        fleet.finish()
    with workshop.store.read() as tx:
        assert tx.bases.stored(WORKSPACE) == (1, 2, 3, 4)
    workshop.switching.clear()
    with workshop.store.read() as tx:
        assert tx.bases.stored(WORKSPACE) == (3, 4)
        assert tx.reindexes.discarded() == []
    assert fleet.replicas[0].found() == ["Text 0.", "Text 1.", "Text 2."]
    late = SearchReplica(workshop, "late")
    late.step()
    assert late.found() == fleet.replicas[0].found()
