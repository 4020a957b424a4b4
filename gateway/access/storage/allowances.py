"""What workspaces may have, from the database."""

import sqlalchemy as sa

from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.workspaces.allowance import Allowance
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.storage.schema import workspaces
from services.kernel.ids import WorkspaceId
from services.runtime.database import Database


class StoredAllowances:
    """Implements `Allowances`."""

    def __init__(self, database: Database, plans: Plans) -> None:
        self._database = database
        self._plans = plans

    def allowance(self, workspace_id: WorkspaceId) -> Allowance:
        """Return what a workspace may have, a live one or a twin; raise WorkspaceNotFound or Unavailable."""
        own = sa.select(workspaces.c.plan, workspaces.c.limits).where(workspaces.c.id == workspace_id)
        with self._database.read() as connection:
            row = connection.execute(own).first()
        if row is None:
            raise WorkspaceNotFound
        return self._plans.allowance(row.plan).with_own(row.limits)
