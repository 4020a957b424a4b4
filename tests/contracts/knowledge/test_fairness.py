"""One workspace's push holds up no other's documents, and the queue stays cheap while it is long."""

from datetime import timedelta
from math import ceil

import pytest
import sqlalchemy as sa

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Document, DocumentId
from services.knowledge.domain.queue import IndexerId
from services.knowledge.domain.shown import QueuePlace
from tests.contracts.knowledge.workshop import OTHER, WORKSPACE, Workshop, page

BATCH = 16
MODELS = ["fake-bag-of-words"]


def pushed(
    workshop: Workshop, documents: int, workspace_id: WorkspaceId = WORKSPACE, prefix: str = "p"
) -> None:
    """Queue many documents."""
    for begin in range(0, documents, 1000):
        names = range(begin, min(begin + 1000, documents))
        workshop.push(*(page(f"{prefix}{n}", f"Text {n}.") for n in names), workspace_id=workspace_id)


def place(workshop: Workshop, document: Document, workspace_id: WorkspaceId = WORKSPACE) -> QueuePlace:
    """Return where a document waits."""
    found = workshop.read.get(workspace_id, document.id).place
    assert found is not None
    return found


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_push_delays_no_other_workspace(workshop: Workshop, before: int) -> None:
    """A single document is indexed in the next batch, the second document there, however far the push is."""
    pushed(workshop, 2000)
    indexer = workshop.indexer()
    for _ in range(before):
        indexer.run(BATCH, lambda: False)
    workshop.clock.advance(60)
    single = workshop.create(page("single"), OTHER)
    workshop.journal.claims.clear()
    assert indexer.run(BATCH, lambda: False) == BATCH
    indexed = [claim.document_id for claim in workshop.journal.claims]
    assert single.id in indexed[:2]


def test_pushes_of_many_workspaces_delay_each_other_by_their_turns(workshop: Workshop) -> None:
    """With more workspaces than a batch has documents, each is served within a round of turns."""
    workspaces = [WorkspaceId(f"ws_{n:02d}") for n in range(2 * BATCH + 5)]
    for workspace_id in workspaces[1:]:
        pushed(workshop, 20, workspace_id)
    indexer = workshop.indexer()
    indexer.run(BATCH, lambda: False)
    workshop.clock.advance(60)
    single = workshop.create(page("single"), workspaces[0])
    workshop.journal.claims.clear()
    for _ in range(ceil(len(workspaces) / BATCH)):
        indexer.run(BATCH, lambda: False)
    assert single.id in [claim.document_id for claim in workshop.journal.claims]
    served = [claim.workspace_id for claim in workshop.journal.claims]
    assert set(served) == set(workspaces)


def test_a_place_is_one_among_ones_own(workshop: Workshop) -> None:
    """Not behind the thousands of another workspace, and ready when its own pace says so."""
    pushed(workshop, 1500)
    first, second = workshop.create(page("a"), OTHER), workshop.create(page("b"), OTHER)
    now = workshop.clock.now()
    assert place(workshop, first, OTHER) == QueuePlace(1, now + timedelta(seconds=1))
    assert place(workshop, second, OTHER) == QueuePlace(2, now + timedelta(seconds=2))
    last = workshop.create(page("last"))
    assert place(workshop, last).position == 1501


def test_places_of_a_list_are_those_of_its_documents(workshop: Workshop) -> None:
    """Asked for together they are what they are alone, also for documents that came at one instant."""
    pushed(workshop, 30)
    workshop.clock.advance(1)
    pushed(workshop, 10, prefix="later")
    workshop.index(limit=3)
    with workshop.store.read() as tx:
        c = sa.text("SELECT document_id FROM indexing_tasks ORDER BY background, queued_at, document_id")
        ids = [DocumentId(row.document_id) for row in tx._connection.execute(c)]
        alone = [tx.queue.places(WORKSPACE, [each])[each] for each in ids]
        together = tx.queue.places(WORKSPACE, [*ids[::-7], DocumentId("doc_none")])
        elsewhere = tx.queue.places(OTHER, ids)
    assert alone == list(range(1, 38))
    assert together == {each: ids.index(each) + 1 for each in ids[::-7]}
    assert not elsewhere


def test_the_estimate_follows_the_work(workshop: Workshop) -> None:
    """Two seconds a document are two seconds for each place; an idle night changes nothing."""
    pushed(workshop, 20)
    indexer = workshop.indexer()
    for _ in range(10):
        workshop.clock.advance(2)
        indexer.run(1, lambda: False)
    ahead = place(workshop, workshop.create(page("late")))
    assert ahead.position == 11
    assert ahead.ready_at - workshop.clock.now() == timedelta(seconds=22)
    while workshop.index():
        pass
    workshop.clock.advance(12 * 3600)
    alone = place(workshop, workshop.create(page("morning")))
    assert alone.position == 1
    assert alone.ready_at - workshop.clock.now() <= timedelta(seconds=2)


def test_a_long_queue_is_never_read_from_end_to_end(workshop: Workshop) -> None:
    """Neither to claim, nor to see whether there is work, to tell a place, or to accept one more document."""
    pushed(workshop, 300)
    pushed(workshop, 10, OTHER)
    engine = workshop.store._database.engine
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            statements.append((statement, parameters))

    now = workshop.clock.now()
    with workshop.store.write() as tx:
        sa.event.listen(engine, "before_cursor_execute", note)
        assert tx.queue.waits(MODELS, now)
        claims = tx.queue.claim(IndexerId("idx"), MODELS, BATCH, now, now)
        tx.queue.renew(IndexerId("idx"), claims, now)
        tx.queue.pace(WORKSPACE)
        tx.queue.places(WORKSPACE, [each.document_id for each in claims])
    workshop.create(page("one-more"))
    sa.event.remove(engine, "before_cursor_execute", note)
    assert len(statements) > 20
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not is_sqlite:
            # The table is small: left to itself, the planner would rather read all of it.
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plan = "\n".join(map(str, connection.exec_driver_sql(explain + statement, parameters)))  # type: ignore[arg-type]
            for table in ("indexing_tasks", "documents"):
                assert f"Seq Scan on {table}" not in plan, statement
                assert f"SCAN {table}" not in plan, f"{statement}\n{plan}"
            for step in plan.splitlines() if is_sqlite else ():
                assert "SEARCH operation_items" not in step or "operation_id=?" in step, statement
