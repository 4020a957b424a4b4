"""Ended operations and tombstones are kept for a time."""

from services.knowledge.domain.forgetting import Forgetting
from services.knowledge.domain.operation import Kind
from tests.contracts.knowledge.feed_follower import Follower
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop, page

DAY = 24 * 3600


def forget(workshop: Workshop) -> int:
    """Remove all that is kept no longer; return how many rows."""
    forgetting, removed = Forgetting(workshop.store, workshop.clock), 0
    while some := forgetting.run():
        removed += some
    return removed


def test_operations_go_after_a_month(workshop: Workshop) -> None:
    """One that ended a month ago is forgotten, whatever failed in it; one that has not ended stays."""
    workshop.push(page("a"), page(""))
    workshop.index()
    workshop.settle()
    workshop.push(page("open"))
    workshop.clock.advance(29 * DAY)
    assert forget(workshop) == 0
    workshop.push(page("a"))
    workshop.settle()
    workshop.clock.advance(2 * DAY)
    assert forget(workshop) == 1
    operations = workshop.operations.page(WORKSPACE, 50, "").items
    assert [(each.kind, each.finished_at is None) for each in operations] == [
        (Kind.BATCH, False),
        (Kind.BATCH, True),
    ]
    assert all(each.errors == [] for each in operations)


def test_tombstones_go_after_a_week(workshop: Workshop) -> None:
    """What was deleted or replaced leaves the feed; who is behind it begins anew and sees the same."""
    early = Follower(WORKSPACE)
    workshop.create(page("deleted"))
    workshop.create(page("edited", "Old."))
    workshop.index()
    early.catch_up(workshop)
    behind = early.revision
    workshop.write.delete_by_external_id(WORKSPACE, "deleted", "")
    workshop.push(page("edited", "New."))
    workshop.index()
    early.catch_up(workshop)
    workshop.clock.advance(6 * DAY)
    assert forget(workshop) == 0
    workshop.clock.advance(2 * DAY)
    assert forget(workshop) == 2
    assert workshop.changes(after=behind).restart
    assert not workshop.changes(after=early.revision).restart
    late = Follower(WORKSPACE)
    late.catch_up(workshop)
    assert late.state() == early.state()
    assert [chunk.text for chunk in late.chunks.values()] == ["New."]


def test_who_begins_after_tombstones_went_needs_none_of_them(workshop: Workshop) -> None:
    """Between two pages, and where the newest change is forgotten, a file that began anew goes on."""
    workshop.indexed(page("kept"))
    workshop.indexed(page("deleted"))
    workshop.write.delete_by_external_id(WORKSPACE, "deleted", "")
    workshop.index()
    workshop.settle()
    workshop.clock.advance(8 * DAY)
    assert forget(workshop) == 1
    begun = workshop.changes()
    late = Follower(WORKSPACE)
    late.apply(begun)
    assert late.revision < begun.head_revision
    assert workshop.changes(after=late.revision).restart
    assert workshop.changes(after=late.revision, begun_at=begun.head_revision - 1).restart
    late.catch_up(workshop, begun_at=begun.head_revision)
    assert late.revision == begun.head_revision
    assert [chunk.text for chunk in late.chunks.values()] == ["Your plan renews on the third."]


def test_tombstones_wait_for_live_replicas(workshop: Workshop) -> None:
    """What a live replica has not taken yet stays, however old it is."""
    document = workshop.indexed()
    has = workshop.changes().head_revision
    workshop.write.delete(WORKSPACE, document.id, "")
    workshop.clock.advance(8 * DAY)
    workshop.sync((WORKSPACE, has))
    assert forget(workshop) == 0
    assert not workshop.changes(after=has).restart
    workshop.settle()
    assert forget(workshop) == 1
