"""Trying again what failed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType, Failure, Patch, Status
from services.knowledge.domain.draft import draft
from services.knowledge.domain.errors import (
    IndexingFailed,
    NothingToRetry,
    OperationNotFound,
    OperationRunning,
    ReindexRunning,
)
from services.knowledge.domain.operation import Kind, Operation, OperationId
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.stock import Allowance
from services.knowledge.extraction.extractor import extract
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page


def without(word: str) -> Callable[[bytes, ContentType], list[Block]]:
    """Return an extractor that fails contents with a word."""

    def extracted(content: bytes, content_type: ContentType) -> list[Block]:
        if word.encode() in content:
            raise IndexingFailed("EXTRACTION_FAILED", "It can't be read.")
        return extract(content, content_type)

    return extracted


def retry(workshop: Workshop, operation: Operation) -> Operation:
    made: list[Operation] = []
    workshop.operations.retry(WORKSPACE, operation.id, None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
    return made[0]


def pushed_with_failures(workshop: Workshop) -> Operation:
    """Push two good documents, two that can't be indexed, and one that is refused."""
    documents = [
        Proposed(name, draft(page(name, f"{name} text."))) for name in ("good", "bad1", "bad2", "fine")
    ]
    documents.insert(2, Proposed("refused", Failure("INVALID_ARGUMENT", "x")))
    made: list[Operation] = []
    workshop.write.batch(WORKSPACE, documents, None, lambda each: made.append(each) or b"")  # type: ignore[func-returns-value]
    workshop.indexer(extract=without("bad")).run(10, lambda: False)
    workshop.settle()
    return workshop.operations.get(WORKSPACE, made[0].id)


def test_failed_documents_are_tried_again(workshop: Workshop) -> None:
    """A new operation of the same kind has what failed; what was refused has to be sent again."""
    ended = pushed_with_failures(workshop)
    assert [each.place for each in ended.errors] == [1, 2, 3]
    again = retry(workshop, ended)
    assert (again.kind, again.status, again.counts.total) == (Kind.BATCH, OperationStatus.QUEUED, 2)
    assert workshop.index() == 2
    workshop.settle()
    done = workshop.operations.get(WORKSPACE, again.id)
    assert (done.status, done.counts.done) == (OperationStatus.SUCCEEDED, 2)
    assert workshop.read.index(WORKSPACE).failed == 0
    assert workshop.operations.get(WORKSPACE, ended.id) == ended


def test_what_fails_again_has_its_place(workshop: Workshop) -> None:
    """The new operation names what fails as the first one did, and can be tried again itself."""
    again = retry(workshop, pushed_with_failures(workshop))
    workshop.indexer(extract=without("bad2")).run(10, lambda: False)
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, again.id)
    assert [(each.place, each.external_id) for each in ended.errors] == [(3, "bad2")]
    assert retry(workshop, ended).counts.total == 1


def test_a_retry_changes_no_version(workshop: Workshop) -> None:
    """The document is as its caller left it: the ETag that the caller knows still holds."""
    ended = pushed_with_failures(workshop)
    document_id = ended.errors[0].document_id
    assert document_id is not None
    before = workshop.document(document_id)
    retry(workshop, ended)
    after = workshop.document(document_id)
    assert (after.etag, after.status, after.error) == (before.etag, Status.QUEUED, None)


def test_the_present_content_is_tried(workshop: Workshop) -> None:
    """What was edited or deleted since is taken as it is now."""
    ended = pushed_with_failures(workshop)
    first, second = (each.document_id for each in ended.errors if each.document_id)
    workshop.write.patch(WORKSPACE, first, Patch(content=b"Mended."), "")
    workshop.index()
    workshop.settle()
    workshop.write.delete(WORKSPACE, second, "")
    again = retry(workshop, ended)
    assert (again.status, again.counts.done) == (OperationStatus.SUCCEEDED, 1)
    assert workshop.index() == 0


def test_running_operations_are_not_tried_again(workshop: Workshop) -> None:
    """Only what has ended can have failed."""
    with pytest.raises(OperationRunning):
        retry(workshop, workshop.push(page("a")))


def test_there_may_be_nothing_to_retry(workshop: Workshop) -> None:
    """Success, a refusal, a deletion, and failed documents that are gone leave nothing to do."""
    workshop.write.batch(WORKSPACE, [Proposed("a", Failure("INVALID_ARGUMENT", "x"))], None, lambda _: b"")
    (refused,) = workshop.operations.page(WORKSPACE, 50, "").items
    ended = pushed_with_failures(workshop)
    for each in ended.errors:
        if each.document_id:
            workshop.write.delete(WORKSPACE, each.document_id, "")
    succeeded = workshop.push(page("good", "good text."))
    workshop.settle()
    workshop.erasing.run()
    (deletion, *_) = [
        each for each in workshop.operations.page(WORKSPACE, 50, "").items if each.kind is Kind.DELETE
    ]
    for operation in (refused, ended, succeeded, deletion):
        with pytest.raises(NothingToRetry):
            retry(workshop, operation)


def test_retry_of_documents_made_anew(workshop: Workshop) -> None:
    """What failed in a re-index of single documents is made anew once more, unless a whole one runs."""
    document = workshop.indexed(page("a", "bad text."))
    workshop.embedder.embedded.clear()
    operation = workshop.reindex(document.id)
    workshop.indexer(extract=without("bad")).run(10, lambda: False)
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, operation.id)
    assert ended.status is OperationStatus.FAILED
    again = retry(workshop, ended)
    assert (again.kind, again.generation, again.counts.total) == (Kind.REINDEX, None, 1)
    workshop.index()
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, again.id).status is OperationStatus.SUCCEEDED
    assert workshop.embedder.embedded == ["Renewal\nbad text."]
    workshop.reindex()
    with pytest.raises(ReindexRunning):
        retry(workshop, ended)


def test_a_repeated_retry_gets_the_first_answer(workshop: Workshop) -> None:
    """The same key makes one operation."""
    ended = pushed_with_failures(workshop)
    request = IdempotentRequest("key_1", "retry", "abc", "hash")
    answers = [
        workshop.operations.retry(WORKSPACE, ended.id, request, lambda each: each.id.encode())
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(workshop.operations.page(WORKSPACE, 50, "").items) == 2


def test_unknown_operations_are_not_tried_again(workshop: Workshop) -> None:
    """Another workspace's operation is as unknown as none at all."""
    ended = pushed_with_failures(workshop)
    for workspace_id, operation_id in ((OTHER, ended.id), (WORKSPACE, OperationId("op_none"))):
        with pytest.raises(OperationNotFound):
            workshop.operations.retry(workspace_id, operation_id, None, lambda _: b"")


def test_what_there_was_no_room_for_has_to_be_sent_again(workshop: Workshop) -> None:
    """The document that an edit was refused for is as it was: to try that again would change nothing."""
    workshop.indexed(page("a", "1"))
    workshop.allowances.set(WORKSPACE, Allowance(1, 1, workshop.clock.now() + timedelta(days=1)))
    refused = workshop.push(page("a", "too long"))
    assert refused.errors[0].document_id
    with pytest.raises(NothingToRetry):
        retry(workshop, refused)
