"""Quotas of documents and bytes: held exactly, whoever writes at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.batch import Proposed
from services.knowledge.domain.document import Document, Patch
from services.knowledge.domain.draft import draft
from services.knowledge.domain.errors import DocumentNotFound, ExternalIdTaken, QuotaExceeded
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.ports.documents import ListFilters
from services.knowledge.domain.stock import Allowance, Stock
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page

MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
TEN = "0123456789"


def allow(
    workshop: Workshop,
    documents: int = 1000,
    size: int = 10**6,
    workspace_id: WorkspaceId = WORKSPACE,
) -> None:
    """Limit a workspace."""
    workshop.allowances.set(workspace_id, Allowance(documents, size, MONTH_END))


def stock(workshop: Workshop, workspace_id: WorkspaceId = WORKSPACE) -> Stock:
    """Return what is kept of the stock, which is what the index tells."""
    with workshop.store.read() as tx:
        kept = tx.stocks.get(workspace_id)
    index = workshop.read.index(workspace_id)
    assert (kept.documents, kept.bytes) == (index.documents, index.bytes)
    return kept


def test_documents_are_limited(workshop: Workshop) -> None:
    """By every way to create one; another workspace has its own limit."""
    allow(workshop, documents=2)
    workshop.create(page("a"))
    workshop.write.put(WORKSPACE, draft(page("b")), "")
    with pytest.raises(QuotaExceeded, match="documents"):
        workshop.create(page("c"))
    with pytest.raises(QuotaExceeded) as refused:
        workshop.write.put(WORKSPACE, draft(page("c")), "")
    assert refused.value.retry_after == (MONTH_END - workshop.clock.now()).total_seconds()
    assert stock(workshop).documents == 2
    workshop.create(page("c"), OTHER)
    workshop.write.put(WORKSPACE, draft(page("b", "Another text.")), "")


def test_bytes_are_limited(workshop: Workshop) -> None:
    """Of what is created and of what grows; a document may become smaller, and be described anew."""
    allow(workshop, size=25)
    one = workshop.create(page("a", TEN))
    workshop.create(page("b", TEN))
    with pytest.raises(QuotaExceeded, match="bytes"):
        workshop.create(page("c", TEN))
    with pytest.raises(QuotaExceeded, match="bytes"):
        workshop.write.patch(WORKSPACE, one.id, Patch(content=2 * TEN.encode()), "")
    with pytest.raises(QuotaExceeded, match="bytes"):
        workshop.write.put(WORKSPACE, draft(page("a", 2 * TEN)), "")
    workshop.write.patch(WORKSPACE, one.id, Patch(title="Another", content=b"012345678901234"), "")
    assert stock(workshop).bytes == 25
    allow(workshop, documents=0, size=0)
    workshop.write.patch(WORKSPACE, one.id, Patch(title="Smaller", content=b"0"), "")
    workshop.write.patch(WORKSPACE, one.id, Patch(tags=("x",)), "")
    assert stock(workshop).bytes == 11


def test_deleting_makes_room(workshop: Workshop) -> None:
    """At once, and also above the limits."""
    allow(workshop, documents=1)
    document = workshop.indexed(page("a"))
    workshop.write.delete(WORKSPACE, document.id, "")
    workshop.create(page("b"))
    allow(workshop, documents=0, size=0)
    workshop.write.delete_by_external_id(WORKSPACE, "b", "")
    assert stock(workshop).documents == 0


def test_a_batch_takes_what_there_is_room_for(workshop: Workshop) -> None:
    """A document over the quota fails alone and is named; a smaller one behind it is taken."""
    workshop.create(page("known", TEN))
    allow(workshop, documents=3, size=50)
    operation = workshop.push(
        page("a", TEN),
        page("known", 5 * TEN),
        page("large", 4 * TEN),
        page("b", 2 * TEN),
        page("one-too-many", ""),
        page("a", TEN),
    )
    workshop.index()
    workshop.settle()
    ended = workshop.operations.get(WORKSPACE, operation.id)
    assert ended.status is OperationStatus.PARTIALLY_FAILED
    assert [(each.external_id, each.failure.code) for each in ended.errors] == [
        ("known", "QUOTA_EXCEEDED"),
        ("large", "QUOTA_EXCEEDED"),
        ("one-too-many", "QUOTA_EXCEEDED"),
        ("a", "INVALID_ARGUMENT"),
    ]
    details = [each.failure.detail for each in ended.errors]
    assert "bytes" in details[0]
    assert "documents" in details[2]
    assert ended.errors[0].document_id
    assert stock(workshop) == Stock(3, 40, version=2)


def test_a_repeated_request_needs_no_room(workshop: Workshop) -> None:
    """Its answer was given; and a taken external id is told before the quota."""
    allow(workshop, documents=1)
    request = IdempotentRequest("key_1", "create", "abc", "hash")
    answers = [
        workshop.write.create(WORKSPACE, draft(page("a")), request, lambda each: each.document.id.encode())
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    with pytest.raises(ExternalIdTaken):
        workshop.create(page("a"))
    with pytest.raises(QuotaExceeded):
        workshop.write.create(WORKSPACE, draft(page("b")), replace(request, key="b"), lambda _: b"")
    allow(workshop, documents=2)
    workshop.write.create(WORKSPACE, draft(page("b")), replace(request, key="b"), lambda _: b"")


def test_writers_at_once_fill_it_exactly(workshop: Workshop) -> None:
    """Of twenty documents for which there is room for seven, seven are taken."""
    allow(workshop, documents=7)

    def create(number: int) -> Document | None:
        try:
            return workshop.create(page(f"p{number}"))
        except QuotaExceeded:
            return None

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(20)))
    assert len([each for each in created if each]) == 7
    assert stock(workshop) == Stock(7, 7 * len(page().content or ""), version=7)


def test_the_stock_is_what_is_there(workshop: Workshop) -> None:
    """After any writes, refused and failed ones among them; its version grows with each change of it."""
    chance = random.Random(5)
    allow(workshop, documents=8, size=300)
    version = 0
    for _ in range(120):
        name, text = f"p{chance.randrange(12)}", "x" * chance.randrange(1, 80)
        before = stock(workshop)
        try:
            match chance.randrange(5):
                case 0:
                    workshop.create(page(name, text))
                case 1:
                    workshop.write.put(WORKSPACE, draft(page(name, text)), "")
                case 2:
                    workshop.push(page(name, text), page(f"q{name}", text))
                case 3:
                    items = workshop.read.page(WORKSPACE, ListFilters(), 50, "").items
                    if items:
                        patched = chance.choice(items).document.id
                        workshop.write.patch(WORKSPACE, patched, Patch(content=text.encode()), "")
                case _:
                    workshop.write.delete_by_external_id(WORKSPACE, name, "")
        except (QuotaExceeded, ExternalIdTaken, DocumentNotFound):
            pass
        after = stock(workshop)
        assert after.documents <= 8
        assert after.bytes <= 300
        version += (after.documents, after.bytes) != (before.documents, before.bytes)
        assert after.version == version


def test_a_failed_write_changes_no_stock(workshop: Workshop) -> None:
    """What was rolled back is not held."""

    def fails(_operation: Operation) -> bytes:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        workshop.write.batch(WORKSPACE, [Proposed("a", draft(page("a")))], None, fails)
    assert stock(workshop) == Stock()
