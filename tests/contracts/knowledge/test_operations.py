"""Operations: progress, superseded work, cancelling."""

import pytest

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType, Failure, Patch, Status
from services.knowledge.domain.errors import IndexingFailed, OperationFinished, OperationNotFound
from services.knowledge.domain.operation import OperationId
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.queue import CANCELLED
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page
from tests.fakes.failing_embedder import InterruptedEmbedder


def test_progress_is_true(workshop: Workshop) -> None:
    """Queued, running once something began, succeeded once all of it is indexed."""
    operation = workshop.push(*(page(f"p{n}") for n in range(4)))

    def now() -> tuple[OperationStatus, int]:
        found = workshop.operations.get(WORKSPACE, operation.id)
        return found.status, found.counts.done

    assert now() == (OperationStatus.QUEUED, 0)
    workshop.index(limit=2)
    assert now() == (OperationStatus.RUNNING, 0)
    workshop.settle()
    assert now() == (OperationStatus.RUNNING, 2)
    workshop.index()
    workshop.settle()
    assert now() == (OperationStatus.SUCCEEDED, 4)


def test_newer_version_ends_the_older_operation(workshop: Workshop) -> None:
    """An operation whose document was edited meanwhile is done when the newer content is indexed."""
    operation = workshop.push(page("a", "Old."))
    workshop.index()
    workshop.push(page("a", "New."))
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.QUEUED
    workshop.index()
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.SUCCEEDED


def test_deletion_ends_the_write(workshop: Workshop) -> None:
    """Nobody waits for a document that is gone."""
    operation = workshop.push(page("a"))
    workshop.write.delete_by_external_id(WORKSPACE, "a", "")
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.SUCCEEDED


def test_cancel_takes_back_what_has_not_begun(workshop: Workshop) -> None:
    """What is done stays; what waits leaves the queue as failed; the operation is cancelled."""
    operation = workshop.push(*(page(f"p{n}") for n in range(3)))
    workshop.index(limit=1)
    workshop.settle()
    cancelled = workshop.operations.cancel(WORKSPACE, operation.id)
    assert (cancelled.status, cancelled.counts.done, cancelled.counts.cancelled) == (
        OperationStatus.CANCELLED,
        1,
        2,
    )
    assert cancelled.finished_at is not None
    assert workshop.index() == 0
    index = workshop.read.index(WORKSPACE)
    assert (index.pending, index.failed) == (0, 2)


def test_cancelled_document_can_be_pushed_again(workshop: Workshop) -> None:
    """A cancelled document names its reason, keeps what search had of it, and is indexed when sent again."""
    document = workshop.indexed(page("a", "Old."))
    operation = workshop.push(page("a", "New."))
    workshop.operations.cancel(WORKSPACE, operation.id)
    stopped = workshop.document(document.id)
    assert (stopped.status, stopped.error) == (Status.FAILED, CANCELLED)
    assert [chunk.text for each in workshop.changes().sets for chunk in each.chunks] == ["Old."]
    workshop.push(page("a", "New."))
    workshop.index()
    workshop.settle()
    assert workshop.document(document.id).status is Status.INDEXED


def test_cancel_spares_what_others_wait_for(workshop: Workshop) -> None:
    """A document that another operation needs, too, stays in the queue."""
    first = workshop.push(page("a"))
    second = workshop.push(page("a"))
    assert workshop.operations.cancel(WORKSPACE, first.id).status is OperationStatus.CANCELLED
    assert workshop.index() == 1
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, second.id).status is OperationStatus.SUCCEEDED


def test_cancel_leaves_what_has_begun(workshop: Workshop) -> None:
    """Work in an indexer's hands goes on to its end, and the operation with it."""
    operation = workshop.push(page("a"), page("b"))
    workshop.index(limit=1)
    cancelled = workshop.operations.cancel(WORKSPACE, operation.id)
    assert (cancelled.status, cancelled.counts.pending) == (OperationStatus.RUNNING, 1)
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, operation.id)
    assert (ended.status, ended.counts.done) == (OperationStatus.CANCELLED, 1)


def test_cancel_leaves_what_an_indexer_holds(workshop: Workshop) -> None:
    """A document in the middle of its indexing is not torn from it."""
    operation = workshop.push(page("a"))
    embedder = InterruptedEmbedder(lambda: workshop.operations.cancel(WORKSPACE, operation.id))
    workshop.indexer(embedder=embedder).run(1, lambda: False)
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.SUCCEEDED


def test_deletions_can_not_be_cancelled(workshop: Workshop) -> None:
    """A deletion has begun when it is accepted."""
    document = workshop.indexed()
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    assert workshop.operations.cancel(WORKSPACE, operation.id).status is OperationStatus.RUNNING
    workshop.settle()
    workshop.erasing.run()
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.SUCCEEDED


def test_what_has_ended_can_not_be_cancelled(workshop: Workshop) -> None:
    """A finished operation is refused, an unknown one and another workspace's are not found."""
    document = workshop.create()
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    workshop.erasing.run()
    with pytest.raises(OperationFinished):
        workshop.operations.cancel(WORKSPACE, operation.id)
    for workspace_id, operation_id in ((OTHER, operation.id), (WORKSPACE, OperationId("op_none"))):
        with pytest.raises(OperationNotFound):
            workshop.operations.cancel(workspace_id, operation_id)
        with pytest.raises(OperationNotFound):
            workshop.operations.get(workspace_id, operation_id)


def test_patch_of_filters_is_no_operation(workshop: Workshop) -> None:
    """Only what is indexed has an operation."""
    document = workshop.indexed()
    workshop.write.patch(WORKSPACE, document.id, Patch(tags=("x",)), "")
    assert len(workshop.operations.page(WORKSPACE, 50, "").items) == 1


def test_operations_are_paged_newest_first(workshop: Workshop) -> None:
    """Pages go on where the last one ended."""
    made = []
    for n in range(5):
        made.append(workshop.push(page(f"p{n}")).id)
        workshop.clock.advance(1)
    first = workshop.operations.page(WORKSPACE, 3, "")
    second = workshop.operations.page(WORKSPACE, 3, first.next_token)
    assert [each.id for each in [*first.items, *second.items]] == made[::-1]
    assert second.next_token == ""


def test_failure_of_a_document_is_told_to_all_that_wait_for_it(workshop: Workshop) -> None:
    """All that wait for a document learn of its failure."""
    operations = [workshop.push(page("a", "Old.")), workshop.push(page("a", "\x00New."))]
    indexer = workshop.indexer(extract=_refusing)
    indexer.run(10, lambda: False)
    for operation in operations:
        ended = workshop.operations.get(WORKSPACE, operation.id)
        assert ended.status is OperationStatus.FAILED
        assert [each.failure for each in ended.errors] == [Failure("EXTRACTION_FAILED", "No.")]


def _refusing(_content: bytes, _content_type: ContentType) -> list[Block]:
    raise IndexingFailed("EXTRACTION_FAILED", "No.")
