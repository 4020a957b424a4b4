"""The operator with its surroundings, for its tests."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from gateway.access.domain.audit import AuditEntry
from gateway.access.domain.keys.key import Key
from gateway.access.domain.keys.key_wish import KeyWish
from gateway.access.domain.operator import Operator
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import InvalidArgument
from services.kernel.pages import Page
from tests.fakes.access import FakeAudit, FakeKeys, FakeWorkspaces
from tests.fakes.clock import FakeClock
from tests.unit.access.given import NOW

Item = TypeVar("Item")

QUERY = KeyWish("acme", scopes=("query",))
SHOP = KeyWish("acme", kind="publishable", origins=("https://shop.example",))


class Bench:
    """An operator with its surroundings, who notes what is forgotten."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.audit = FakeAudit()
        workspaces = FakeWorkspaces(self.audit)
        self.forgotten: list[str] = []
        self.keys = FakeKeys(workspaces, self.audit)
        self.operator = Operator(workspaces, self.keys, self.audit, self, self.clock)

    def forget(self, public_id: str) -> None:
        """Note a key that is to be looked up again."""
        self.forgotten.append(public_id)

    def forget_workspace(self, workspace: Workspace) -> None:
        """Note a workspace whose keys are to be looked up again."""
        self.forgotten.append(workspace.id)

    def entries(self) -> list[AuditEntry]:
        """Return the audit, oldest first."""
        return self.operator.list_audit("", "", 0, "").items[::-1]

    def key(self, key_id: str) -> Key:
        """Return a key of acme as it is now."""
        return next(each for each in self.operator.list_keys("acme", 0, "").items if each.id == key_id)


@pytest.fixture
def bench() -> Bench:
    """Return an operator of an empty installation."""
    return Bench()


def pointers(call: Callable[[], object]) -> list[str]:
    """Return where a call breaks rules."""
    with pytest.raises(InvalidArgument) as raised:
        call()
    return [violation.pointer for violation in raised.value.violations]


def every(page_after: Callable[[str], Page[Item]]) -> list[Item]:
    """Return the items of all pages."""
    page = page_after("")
    items = list(page.items)
    while page.next_token:
        page = page_after(page.next_token)
        items += page.items
    return items
