"""What workspaces may have, from both databases."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.access.domain.audit import AuditEntry, Event
from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.storage.allowances import StoredAllowances
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database
from tests.contracts.access.stores import database

__all__ = ["database"]

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
PLANS = Plans.shipped()


def a_workspace(database: Database, name: str, plan: str, **limits: int) -> Workspace:
    """Keep a workspace."""
    workspace = replace(Workspace.create(name, plan, NOW), limits=limits)
    entry = AuditEntry.of_change(Event.WORKSPACE_CREATED, NOW, workspace.id, details={})
    StoredWorkspaces(database).add(workspace, entry)
    return workspace


def test_a_workspace_and_its_twin_have_the_same(database: Database) -> None:
    """The plan's limits, and their own in place of these; another's are its own."""
    acme = a_workspace(database, "acme", "growth", queries=7, bytes=10**12)
    other = a_workspace(database, "other", "starter")
    allowances = StoredAllowances(database, PLANS)
    growth = PLANS.allowance("growth")
    for each in (acme.id, acme.test_id):
        assert allowances.allowance(each) == replace(growth, queries=7, bytes=10**12)
    assert allowances.allowance(other.id) == PLANS.allowance("starter")


def test_who_does_not_exist_may_have_nothing(database: Database) -> None:
    """Neither by name: services know ids."""
    a_workspace(database, "acme", "growth")
    for nobody in ("ws_nobody", "acme", ""):
        with pytest.raises(WorkspaceNotFound):
            StoredAllowances(database, PLANS).allowance(WorkspaceId(nobody))
