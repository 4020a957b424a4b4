"""Deletion: nothing is left anywhere, and a receipt says who confirmed it."""

from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, select, text

from services.kernel.errors import Unavailable
from services.knowledge.domain.document import Patch, Status
from services.knowledge.domain.draft import draft
from services.knowledge.domain.erasing import EraseDeleted
from services.knowledge.domain.errors import DocumentNotFound, VersionNotFound
from services.knowledge.domain.operation import Operation
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.answers import IdempotentRequest
from services.knowledge.domain.receipt import Confirmation, Receipt
from services.knowledge.storage.tables import METADATA
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page
from tests.fakes.crashing_store import CrashingStore
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.failing_embedder import Killed, UnreachableEmbedder

CANARY = page("canary-id", "canary text", title="canary title", tags=("canary tag",))


def receipt(workshop: Workshop, operation: Operation) -> Receipt:
    found = workshop.operations.get(WORKSPACE, operation.id).receipt
    assert found is not None
    return found


def status(workshop: Workshop, operation: Operation) -> OperationStatus:
    return workshop.operations.get(WORKSPACE, operation.id).status


def rows(workshop: Workshop) -> dict[str, str]:
    """All rows of all tables."""
    with create_engine(workshop.url).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET search_path TO knowledge"))
        return {table.name: repr(connection.execute(select(table)).all()) for table in METADATA.sorted_tables}


def test_deletion_succeeds_step_by_step(workshop: Workshop) -> None:
    """Out of searches, kept answers, replicas' files and the database's: only then it is done."""
    document = workshop.indexed()
    workshop.answers.cited[document.id] = 2
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    assert operation.status is OperationStatus.RUNNING
    (change,) = workshop.changes().sets
    assert change.gone_documents == [document.id]
    assert (change.documents, change.chunks) == ([], [])
    first = workshop.clock.now()
    workshop.erasing.run()
    assert receipt(workshop, operation) == Receipt(1, 0, document.bytes)
    assert workshop.answers.forgotten == []
    workshop.follow.sync(workshop.replica((WORKSPACE, 2), erased=1), 0)
    workshop.erasing.run()
    assert workshop.answers.forgotten == [(WORKSPACE, document.id)]
    assert receipt(workshop, operation).replicas == (Confirmation("replica-1:1", first),)
    assert receipt(workshop, operation).answers == 2
    assert status(workshop, operation) is OperationStatus.RUNNING
    workshop.clock.advance(1)
    workshop.follow.sync(workshop.replica((WORKSPACE, 2), erased=2), 0)
    workshop.erasing.run()
    ended = workshop.clock.now()
    assert status(workshop, operation) is OperationStatus.SUCCEEDED
    assert receipt(workshop, operation) == Receipt(
        1, 0, document.bytes, 2, (Confirmation("replica-1:1", first, ended),), ended
    )
    assert workshop.answers.forgotten == [(WORKSPACE, document.id)]


def test_deletion_waits_for_every_live_replica(workshop: Workshop) -> None:
    """One that is behind, or has not erased its files, holds it up; one whose lease has lapsed does not."""
    document = workshop.indexed()
    workshop.sync(replica="late")
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    workshop.settle()
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    workshop.follow.sync(workshop.replica((WORKSPACE, 2), name="late", erased=1), 0)
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    assert [each.address for each in receipt(workshop, operation).replicas] == ["late:1", "replica-1:1"]
    workshop.clock.advance(9)
    workshop.settle()
    workshop.clock.advance(2)
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.SUCCEEDED
    assert [each.erased_at is None for each in receipt(workshop, operation).replicas] == [True, False]


def test_deletion_waits_while_there_is_no_replica(workshop: Workshop) -> None:
    """Without a live replica nobody can say that searches don't find it."""
    document = workshop.indexed()
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    workshop.clock.advance(11)
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    workshop.settle(replica="new")
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.SUCCEEDED


def test_deletion_waits_for_query(workshop: Workshop) -> None:
    """While query is away, its kept answers may cite the document."""
    document = workshop.indexed()
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    workshop.settle()
    workshop.answers.away = True
    with pytest.raises(Unavailable):
        workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    workshop.answers.away = False
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.SUCCEEDED


def test_delete_of_what_search_never_saw(workshop: Workshop) -> None:
    """No replica is asked for a document that was never in the feed; it leaves no tombstone there."""
    document = workshop.create()
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    assert operation.status is OperationStatus.RUNNING
    assert workshop.changes().sets == []
    assert workshop.index() == 0
    workshop.erasing.run()
    ended = workshop.operations.get(WORKSPACE, operation.id)
    assert ended.status is OperationStatus.SUCCEEDED
    assert ended.receipt == Receipt(0, 0, document.bytes, 0, (), workshop.clock.now())


def test_delete_of_what_only_the_next_index_has(workshop: Workshop) -> None:
    """Replicas that hold its passages ready have to erase them, although search never saw the document."""
    new = FakeEmbedder(model="new-model", dimensions=8)
    workshop.indexed()
    workshop.reindexer(new).start(WORKSPACE, [], None, lambda _: b"")
    document = workshop.create(page(content="Held ready."))
    away = UnreachableEmbedder(dimensions=8)
    workshop.indexer(embedder=new, others=[away]).run(10, lambda: False)
    late = Follower(WORKSPACE, generation=2)
    late.catch_up(workshop)
    assert "Held ready." in [chunk.text for chunk in late.chunks.values()]
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    workshop.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    late.catch_up(workshop)
    assert "Held ready." not in [chunk.text for chunk in late.chunks.values()]


def test_nothing_is_left_in_any_table(workshop: Workshop) -> None:
    """Its text, of all versions, is in no table at once; its id only where feed and operations need it."""
    request = IdempotentRequest("key_1", "create", "abc", "hash")

    def create() -> bytes:
        return workshop.write.create(
            WORKSPACE,
            draft(CANARY),
            request,
            lambda each: f"{each.document.id} {each.document.description.title}".encode(),
        )

    document_id = create().decode().split()[0]
    workshop.index()
    workshop.settle()
    workshop.push(page("canary-id", "canary edit", title="canary again"))
    workshop.index()
    workshop.settle()
    workshop.push(page("canary-id", "canary still waits", title="canary again"))
    assert "canary text" in rows(workshop)["chunk_versions"]
    workshop.write.delete_by_external_id(WORKSPACE, "canary-id", "")
    found = rows(workshop)
    assert {name for name, each in found.items() if "canary " in each} == set()
    assert {name for name, each in found.items() if document_id in each} == {
        "deletions",
        "document_tombstones",
        "idempotency_keys",
        "operation_items",
    }
    workshop.settle()
    workshop.erasing.run()
    # A request that is repeated late makes no new one.
    with pytest.raises(DocumentNotFound):
        create()
    assert workshop.read.index(WORKSPACE).documents == 0


def test_nothing_is_left_in_any_file(workshop: Workshop) -> None:
    """After the operation has succeeded SQLite's files have no word of it, also where rows had moved."""
    path = make_url(workshop.url).database
    if not workshop.url.startswith("sqlite") or path is None:
        pytest.skip("PostgreSQL leaves bytes in free space and in its log")
    documents = []
    for n in range(60):
        size = (n * 977) % 9000
        said = page(f"p{n}", f"canary{n} " * size, title=f"canary{n} title", tags=(f"canary{n}",))
        documents.append(workshop.create(said))
        if n % 3 == 0:
            workshop.write.patch(WORKSPACE, documents[n].id, Patch(content=b"canary%d edit" % n), "")
    while workshop.index():
        pass
    workshop.settle()
    for document in documents[::2]:
        workshop.write.delete(WORKSPACE, document.id, "")
    workshop.settle()
    workshop.erasing.run()
    states = {each.status for each in workshop.operations.page(WORKSPACE, 100, "").items}
    assert states == {OperationStatus.SUCCEEDED}
    held = b"".join(each.read_bytes() for each in Path(path).parent.glob("*") if each.is_file())
    assert [n for n in range(0, 60, 2) if b"canary%d " % n in held or b'"canary%d"' % n in held] == []
    assert b"canary1 title" in held


def test_versions_go_with_the_document(workshop: Workshop) -> None:
    """The receipt counts the versions and the bytes of all contents; nothing of them can be read again."""
    document = workshop.indexed(page(content="One."))
    workshop.write.patch(WORKSPACE, document.id, Patch(content=b"Three"), "")
    workshop.write.patch(WORKSPACE, document.id, Patch(tags=("x",)), "")
    operation = workshop.write.delete(WORKSPACE, document.id, "")
    assert operation.receipt == Receipt(chunks=1, versions=2, bytes=9)
    with pytest.raises(DocumentNotFound):
        workshop.read.versions(WORKSPACE, document.id, 50, "")
    with pytest.raises((DocumentNotFound, VersionNotFound)):
        workshop.read.version(WORKSPACE, document.id, 1)


def test_who_waited_for_the_document_waits_no_more(workshop: Workshop) -> None:
    """Operations that wait for it to be indexed end with it."""
    pushed = workshop.push(page("a"))
    workshop.write.delete_by_external_id(WORKSPACE, "a", "")
    assert status(workshop, pushed) is OperationStatus.SUCCEEDED


def test_deletions_of_other_workspaces_are_apart(workshop: Workshop) -> None:
    """Each waits for its own workspace's replicas alone."""
    mine, theirs = workshop.indexed(), workshop.indexed(workspace_id=OTHER)
    first = workshop.write.delete(WORKSPACE, mine.id, "")
    second = workshop.write.delete(OTHER, theirs.id, "")
    workshop.settle()
    workshop.erasing.run()
    assert status(workshop, first) is OperationStatus.SUCCEEDED
    assert workshop.operations.get(OTHER, second.id).status is OperationStatus.RUNNING


def test_many_deletions_end_together(workshop: Workshop) -> None:
    """Deletions that wait for the same end with one scrub."""
    workshop.push(*(page(f"p{n}", f"Text {n}.") for n in range(5)))
    workshop.index()
    workshop.settle()
    for n in range(5):
        workshop.write.delete_by_external_id(WORKSPACE, f"p{n}", "")
    workshop.settle()
    counted = CountedScrubs(workshop)
    counted.erasing.run()
    assert counted.scrubs == 1
    states = {each.status for each in workshop.operations.page(WORKSPACE, 50, "").items}
    assert states == {OperationStatus.SUCCEEDED}


def test_scrubbing_rests(workshop: Workshop) -> None:
    """A scrub that took long is followed by a rest, in which deletions wait."""
    first, second = workshop.indexed(page("a")), workshop.indexed(page("b"))
    workshop.write.delete(WORKSPACE, first.id, "")
    workshop.settle()
    counted = CountedScrubs(workshop, lasting=10.0)
    counted.erasing.run()
    operation = workshop.write.delete(WORKSPACE, second.id, "")
    workshop.settle()
    counted.seconds += 39.0
    counted.erasing.run()
    assert status(workshop, operation) is OperationStatus.RUNNING
    counted.seconds += 1.0
    counted.erasing.run()
    assert status(workshop, operation) is OperationStatus.SUCCEEDED


@pytest.mark.parametrize("committed", [False, True])
def test_a_process_dies_at_any_step(workshop: Workshop, committed: bool) -> None:
    """Whatever a server dies at while it deletes, the next one ends it."""
    for last in count(1):
        document = workshop.indexed(page("a", f"Text {last}."))
        workshop.answers.cited[document.id] = 1

        def delete(last: int = last) -> None:
            store = CrashingStore(workshop.store, last, committed=committed)
            workshop.writer(store).delete_by_external_id(WORKSPACE, "a", "")
            workshop.settle()
            workshop.eraser(store).run()

        died = True
        try:
            delete()
            died = False
        except Killed:
            if not committed and last == 1:  # not acknowledged
                assert workshop.document(document.id).status is Status.INDEXED
                workshop.write.delete_by_external_id(WORKSPACE, "a", "")
        workshop.settle()
        workshop.erasing.run()
        operation = workshop.operations.page(WORKSPACE, 1, "").items[0]
        assert operation.status is OperationStatus.SUCCEEDED
        assert operation.receipt is not None
        assert operation.receipt.erased_at is not None
        assert "'Text" not in repr(rows(workshop))
        if not died:
            assert last > 3
            return


class CountedScrubs:
    """The workshop's store, with a stopwatch; a scrub takes so long by it."""

    def __init__(self, workshop: Workshop, lasting: float = 0.0) -> None:
        self.write, self.read = workshop.store.write, workshop.store.read
        self.scrubs, self.seconds, self._lasting = 0, 0.0, lasting
        self.erasing = EraseDeleted(self, workshop.clock, workshop.answers, lambda: self.seconds)

    def scrub(self) -> None:
        """Count, and let time pass."""
        self.scrubs += 1
        self.seconds += self._lasting
