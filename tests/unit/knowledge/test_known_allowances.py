"""Allowances that cost a write no call, and outlive access."""

from datetime import UTC, datetime

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.knowledge.clients.known_allowances import LIFETIME_SECONDS, UNKNOWN, KnownAllowances
from services.knowledge.domain.stock import Allowance

ONE, TWO = WorkspaceId("ws_one"), WorkspaceId("ws_two")


class FakeAccess:
    """Says what it was told to, and counts how often it was asked; `away`: it does not answer."""

    def __init__(self) -> None:
        self.documents = 5
        self.asked = 0
        self.away = False
        self.now = 100.0

    def allowance(self, _workspace_id: WorkspaceId) -> Allowance:
        """Return what a workspace may have."""
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return Allowance(self.documents, 1000, datetime(2026, 12, 1, tzinfo=UTC))

    def known(self, capacity: int = 10) -> KnownAllowances:
        """Return what stands before it."""
        return KnownAllowances(self.allowance, capacity=capacity, monotonic=lambda: self.now)


def documents(known: KnownAllowances, workspace_id: WorkspaceId = ONE) -> int | None:
    """Return how many documents a workspace may have, as far as is known."""
    allowance = known.of(workspace_id)
    return None if allowance is None else allowance.documents


def test_it_is_asked_every_five_seconds() -> None:
    """A change is seen by then."""
    access = FakeAccess()
    known = access.known()
    assert [documents(known), documents(known)] == [5, 5]
    access.documents = 6
    access.now += LIFETIME_SECONDS - 0.1
    assert (documents(known), access.asked) == (5, 1)
    access.now += 0.1
    assert (documents(known), access.asked) == (6, 2)


def test_without_access_the_last_one_known_has_to_do() -> None:
    """For as long as it is away; it is not asked at each write."""
    access = FakeAccess()
    known = access.known()
    documents(known)
    access.away = True
    for _ in range(3):
        access.now += 3600
        assert [documents(known), documents(known)] == [5, 5]
    assert access.asked == 4
    access.away, access.documents = False, 6
    access.now += 3600
    assert documents(known) == 6


def test_where_none_is_known_nobody_is_held_up() -> None:
    """And a metric says so."""
    access = FakeAccess()
    access.away = True
    before = UNKNOWN._value.get()
    known = access.known()
    assert documents(known) is None
    assert UNKNOWN._value.get() == before + 1
    access.away = False
    access.now += 1.1
    assert documents(known) == 5


def test_workspaces_are_apart_and_bounded() -> None:
    """Each has its own; the eldest is forgotten."""
    access = FakeAccess()
    known = access.known(capacity=1)
    assert documents(known, ONE) == 5
    access.documents = 6
    assert documents(known, TWO) == 6
    assert documents(known, ONE) == 6
    assert access.asked == 3
