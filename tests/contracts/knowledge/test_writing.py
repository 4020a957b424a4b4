"""Writes: batches, preconditions, repeated requests, lists."""

from dataclasses import replace

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.batch import MAX_BATCH, Proposed
from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.domain.document import ContentType, Document, DocumentId, Failure, Patch, Status
from services.knowledge.domain.draft import Said, draft
from services.knowledge.domain.errors import DocumentNotFound, EtagMismatch, ExternalIdTaken
from services.knowledge.domain.operation import Kind
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.shown import Shown
from services.runtime.idempotency import IdempotencyKeyReused
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page


def titles(workshop: Workshop, filters: ListFilters, workspace_id: WorkspaceId = WORKSPACE) -> list[str]:
    items = workshop.read.page(workspace_id, filters, 50, "").items
    return [each.document.description.title for each in items]


def test_what_is_written_is_read(workshop: Workshop) -> None:
    """Every field comes back as it was given, NUL and astral characters included."""
    said = Said(
        external_id="guides/a b/ü.md",
        title="Título 🦆",
        content="Text with \x00 and 𝒳.",
        content_type="text/plain",
        url="https://example.com/a?b=c",
        tags=("billing", "pro"),
        locale="pt-BR",
        audience="authenticated",
        active=False,
        metadata={"owner": "me", "päth": "a\nb"},
    )
    document = workshop.create(said)
    shown = workshop.read.get(WORKSPACE, document.id)
    assert shown.document == document
    assert shown.document.description == draft(said).description
    assert shown.content == "Text with \x00 and 𝒳.".encode()


def test_external_id_is_unique_in_its_workspace(workshop: Workshop) -> None:
    """A second document of an external id is refused, naming the first; other workspaces are free."""
    first = workshop.create(page("faq"))
    with pytest.raises(ExternalIdTaken) as caught:
        workshop.create(page("faq"))
    assert caught.value.metadata == {"document_id": first.id}
    workshop.create(page("faq"), OTHER)
    workshop.create(page(""))
    workshop.create(page(""))


def test_put_creates_then_replaces_then_does_nothing(workshop: Workshop) -> None:
    """A PUT makes it so, and costs nothing where it is so already."""
    created = workshop.write.put(WORKSPACE, draft(page("faq")), "")
    same = workshop.write.put(WORKSPACE, draft(page("faq")), "")
    replaced = workshop.write.put(WORKSPACE, draft(page("faq", tags=("x",))), same.etag)
    assert (created.id, created.etag, same) == (replaced.id, '"1"', created)
    assert (replaced.etag, replaced.content_version) == ('"2"', 1)
    assert len(workshop.operations.page(WORKSPACE, 50, "").items) == 1


def test_stale_writes_are_refused(workshop: Workshop) -> None:
    """`If-Match` with another state changes nothing."""
    document = workshop.create(page("faq"))
    with pytest.raises(EtagMismatch):
        workshop.write.patch(WORKSPACE, document.id, Patch(title="X"), '"7"')
    with pytest.raises(EtagMismatch):
        workshop.write.put(WORKSPACE, draft(page("faq", title="X")), '"7"')
    with pytest.raises(EtagMismatch):
        workshop.write.put(WORKSPACE, draft(page("new")), "*")
    with pytest.raises(EtagMismatch):
        workshop.write.delete(WORKSPACE, document.id, '"7"')
    with pytest.raises(EtagMismatch):
        workshop.write.delete_by_external_id(WORKSPACE, "faq", '"7"')
    assert workshop.document(document.id) == document


def test_other_workspaces_documents_do_not_exist(workshop: Workshop) -> None:
    """Another workspace's id is as unknown as none at all."""
    document = workshop.create(page("faq"))
    for workspace_id, document_id in ((OTHER, document.id), (WORKSPACE, DocumentId("doc_none"))):
        with pytest.raises(DocumentNotFound):
            workshop.read.get(workspace_id, document_id)
        with pytest.raises(DocumentNotFound):
            workshop.write.patch(workspace_id, document_id, Patch(title="X"), "")
        with pytest.raises(DocumentNotFound):
            workshop.write.delete(workspace_id, document_id, "")
    with pytest.raises(DocumentNotFound):
        workshop.write.delete_by_external_id(OTHER, "faq", "")
    assert workshop.document(document.id) == document


def test_batch_names_what_is_bad_and_takes_the_rest(workshop: Workshop) -> None:
    """A bad document fails alone, under its place; repeated and missing external ids are bad."""
    broken = Proposed("bad", Failure("INVALID_ARGUMENT", "/title: must not be empty"))
    good = Proposed("good", draft(page("good")))
    nameless = Proposed("", draft(page()))
    answer = workshop.write.batch(
        WORKSPACE, [broken, good, good, nameless], None, lambda each: each.id.encode()
    )
    (operation,) = workshop.operations.page(WORKSPACE, 50, "").items
    assert answer == operation.id.encode()
    assert (operation.kind, operation.counts.total, operation.counts.failed) == (Kind.BATCH, 4, 3)
    assert [(each.place, each.external_id, each.failure.code) for each in operation.errors] == [
        (0, "bad", "INVALID_ARGUMENT"),
        (2, "good", "INVALID_ARGUMENT"),
        (3, "", "INVALID_ARGUMENT"),
    ]
    assert "document 1" in operation.errors[1].failure.detail
    workshop.index()
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, operation.id)
    assert ended.status is OperationStatus.PARTIALLY_FAILED
    assert (ended.counts.done, len(ended.errors), ended.finished_at) == (1, 3, workshop.clock.now())


def test_batch_of_nothing_but_bad_ones_has_failed(workshop: Workshop) -> None:
    """An operation in which nothing is to be done has ended when it is accepted."""
    broken = Proposed("bad", Failure("INVALID_ARGUMENT", "x"))
    workshop.write.batch(WORKSPACE, [broken], None, lambda _: b"")
    (operation,) = workshop.operations.page(WORKSPACE, 50, "").items
    assert operation.status is OperationStatus.FAILED
    assert operation.finished_at is not None


def test_second_push_costs_nothing(workshop: Workshop) -> None:
    """A batch of what is there already is done at once, and says so."""
    pages = [page(f"p{n}", f"Text {n}.") for n in range(20)]
    workshop.push(*pages)
    workshop.index()
    workshop.settle()
    embedded, revision = len(workshop.embedder.embedded), workshop.read.index(WORKSPACE).revision
    again = workshop.push(*pages)
    assert again.status is OperationStatus.SUCCEEDED
    assert (again.counts.done, again.counts.unchanged) == (20, 20)
    assert workshop.index() == 0
    assert len(workshop.embedder.embedded) == embedded
    assert workshop.read.index(WORKSPACE).revision == revision


def test_second_push_waits_for_the_first(workshop: Workshop) -> None:
    """What is the same but not in the index yet ends when it is."""
    workshop.push(page("a"))
    again = workshop.push(page("a"))
    assert again.status is OperationStatus.QUEUED
    workshop.index()
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, again.id)
    assert (ended.status, ended.counts.unchanged) == (OperationStatus.SUCCEEDED, 1)


def test_batch_changes_only_what_is_different(workshop: Workshop) -> None:
    """Of a batch, new tags are one revision, new content is indexed, the rest is left alone."""
    workshop.push(page("same"), page("tags"), page("text"))
    workshop.index()
    workshop.settle()
    workshop.embedder.embedded.clear()
    before = workshop.read.index(WORKSPACE).revision
    operation = workshop.push(page("same"), page("tags", tags=("x",)), page("text", "Other text."))
    assert (operation.counts.done, operation.counts.pending, operation.counts.unchanged) == (2, 1, 1)
    assert workshop.index() == 1
    assert workshop.embedder.embedded == ["Renewal\nOther text."]
    first, second = workshop.changes(after=before).sets
    assert (len(first.documents), len(first.chunks)) == (1, 0)
    assert (len(second.documents), len(second.chunks)) == (1, 1)


@pytest.mark.parametrize("size", [0, MAX_BATCH + 1])
def test_batch_has_a_size(workshop: Workshop, size: int) -> None:
    """None, or more than 1,000, is refused as a whole."""
    with pytest.raises(InvalidArgument):
        workshop.write.batch(WORKSPACE, [Proposed("a", draft(page("a")))] * size, None, lambda _: b"")


def test_repeated_request_gets_the_first_answer(workshop: Workshop) -> None:
    """The same key and body make one document; another body is refused; a failed try leaves no trace."""
    request = IdempotentRequest("key_1", "create", "abc", "hash")
    workshop.create(page("faq"))
    with pytest.raises(ExternalIdTaken):
        workshop.write.create(WORKSPACE, draft(page("faq")), request, lambda each: each.document.id.encode())
    answers = [
        workshop.write.create(WORKSPACE, draft(page("new")), request, lambda each: each.document.id.encode())
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    with pytest.raises(IdempotencyKeyReused):
        workshop.write.create(WORKSPACE, draft(page()), replace(request, body_hash="other"), _nothing)
    assert workshop.read.index(WORKSPACE).documents == 2


def test_repeated_batch_gets_the_first_answer(workshop: Workshop) -> None:
    """A batch that is sent again under its key is one operation."""
    request = IdempotentRequest("key_1", "batch", "abc", "hash")
    documents = [Proposed("a", draft(page("a")))]
    answers = [
        workshop.write.batch(WORKSPACE, documents, request, lambda each: each.id.encode()) for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(workshop.operations.page(WORKSPACE, 50, "").items) == 1


def test_list_filters(workshop: Workshop) -> None:
    """Each filter keeps what it says."""
    workshop.indexed(page("one", title="one", tags=("a", "b")))
    workshop.clock.advance(60)
    instant = workshop.clock.now()
    workshop.clock.advance(60)
    workshop.create(page("two", title="two", tags=("b",), active=False))
    assert titles(workshop, ListFilters()) == ["two", "one"]
    assert titles(workshop, ListFilters(status="indexed")) == ["one"]
    assert titles(workshop, ListFilters(status="queued")) == ["two"]
    assert titles(workshop, ListFilters(active=False)) == ["two"]
    assert titles(workshop, ListFilters(tag="a")) == ["one"]
    assert titles(workshop, ListFilters(tag="b")) == ["two", "one"]
    assert titles(workshop, ListFilters(external_id="one")) == ["one"]
    assert titles(workshop, ListFilters(updated_after=instant)) == ["two"]
    assert titles(workshop, ListFilters(updated_after=workshop.clock.now())) == []
    assert titles(workshop, ListFilters(tag="a"), OTHER) == []


def test_committed_but_unconfirmed_is_listed_as_indexing(workshop: Workshop) -> None:
    """What waits for replicas is `indexing` for callers."""
    workshop.create(page(title="one"))
    workshop.index()
    assert titles(workshop, ListFilters(status="indexing")) == ["one"]


def test_changed_tags_are_found_under_the_new_ones(workshop: Workshop) -> None:
    """The tag filter follows changes and deletions."""
    document = workshop.create(page(title="one", tags=("old",)))
    workshop.write.patch(WORKSPACE, document.id, Patch(tags=("new",)), "")
    assert titles(workshop, ListFilters(tag="old")) == []
    assert titles(workshop, ListFilters(tag="new")) == ["one"]
    workshop.write.delete(WORKSPACE, document.id, "")
    assert titles(workshop, ListFilters(tag="new")) == []


def test_pages_neither_repeat_nor_skip(workshop: Workshop) -> None:
    """Pages go on where the last one ended, though documents share an instant and others are added."""
    workshop.push(*(page(f"p{n}", title=f"t{n}") for n in range(7)))
    found: list[Document] = []
    token = ""
    while True:
        result = workshop.read.page(WORKSPACE, ListFilters(), 3, token)
        found += [each.document for each in result.items]
        workshop.clock.advance(1)
        workshop.create()
        token = result.next_token
        if not token:
            break
    assert len(found) == 7
    assert {each.description.title for each in found} == {f"t{n}" for n in range(7)}


def test_page_tokens_are_bound_to_their_list(workshop: Workshop) -> None:
    """A token of other filters, of another list, or of nobody is refused."""
    workshop.push(*(page(f"p{n}") for n in range(3)))
    token = workshop.read.page(WORKSPACE, ListFilters(), 2, "").next_token
    for wrong in (
        lambda: workshop.read.page(WORKSPACE, ListFilters(tag="x"), 2, token),
        lambda: workshop.operations.page(WORKSPACE, 2, token),
        lambda: workshop.read.page(WORKSPACE, ListFilters(), 2, "garbage"),
    ):
        with pytest.raises(InvalidArgument):
            wrong()


def test_totals(workshop: Workshop) -> None:
    """The index counts documents, passages and bytes, and what is under way."""
    workshop.indexed(page(content="Four"))
    workshop.create(page(content="Five."))
    index = workshop.read.index(WORKSPACE)
    assert (index.documents, index.chunks, index.bytes, index.pending, index.failed) == (2, 1, 9, 1, 0)
    assert (index.embedding_model, index.dimensions) == ("fake-bag-of-words", 8)


def test_lag_is_the_age_of_the_oldest_missing_change(workshop: Workshop) -> None:
    """A level replica has no lag; one that is behind is as late as the first change that it lacks."""
    workshop.indexed()
    workshop.create()
    workshop.clock.advance(5)
    workshop.index()
    workshop.clock.advance(3)
    workshop.sync()
    workshop.sync(replica="level")
    workshop.settle(replica="level")
    lags = {each.address: each.lag_seconds for each in workshop.read.index(WORKSPACE).replicas}
    assert lags == {"replica-1:1": 3.0, "level:1": 0.0}


def test_failed_document_says_why_and_can_be_pushed_again(workshop: Workshop) -> None:
    """A failure is the document's and its operation's; the same push tries again."""
    said = Said(external_id="a", title="A", content="Text.")
    workshop.push(said)
    for _ in range(5):
        workshop.indexer(extract=_broken).run(10, lambda: False)
        workshop.clock.advance(120)
    (shown,) = workshop.read.page(WORKSPACE, ListFilters(), 50, "").items
    assert (shown.document.status, shown.document.error) == (
        Status.FAILED,
        Failure("INDEXING_FAILED", "Indexing failed 5 times; the log has the reasons."),
    )
    (operation,) = workshop.operations.page(WORKSPACE, 50, "").items
    assert operation.status is OperationStatus.FAILED
    assert operation.errors[0].document_id == shown.document.id
    assert workshop.read.index(WORKSPACE).failed == 1
    again = workshop.push(said)
    assert workshop.index() == 1
    workshop.settle()
    assert workshop.operations.get(WORKSPACE, again.id).status is OperationStatus.SUCCEEDED


def test_age_of_changes_survives_quiet_writes(workshop: Workshop) -> None:
    """A write that search does not see leaves `lag_seconds` alone."""
    document = workshop.indexed()
    workshop.write.patch(WORKSPACE, document.id, Patch(active=False), "")
    workshop.clock.advance(4)
    workshop.write.patch(WORKSPACE, document.id, Patch(metadata={"k": "v"}), "")
    workshop.sync()
    (replica,) = workshop.read.index(WORKSPACE).replicas
    assert replica.lag_seconds == 4.0


def _broken(_content: bytes, _content_type: ContentType) -> list[Block]:
    raise RuntimeError("boom")


def _nothing(_: Shown) -> bytes:
    return b""
