"""Workspaces: a customer's live one and its test twin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.access.domain.keys.key_format import Environment
from gateway.access.domain.workspaces.allowance import Allowance
from gateway.access.domain.workspaces.plans import DEFAULT_PLAN, PLANS, Plans
from services.kernel.errors import InvalidArgument, Violation
from services.kernel.ids import WorkspaceId, new_id

_NAME = re.compile("[a-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Workspace:
    """
    A customer of the installation.

    The test twin is a workspace id of its own, so that nothing that knows only workspace ids (every service)
    can mix the two up. Plan and limits hold for each of the two; what is counted is counted apart.
    """

    id: WorkspaceId
    test_id: WorkspaceId
    name: str
    plan: str
    created_at: datetime
    # Its own, in place of the plan's, by the names in `allowance.LIMITS`.
    limits: Mapping[str, int] = field(default_factory=dict)
    # None: it is open.
    deleted_at: datetime | None = None

    @classmethod
    def create(cls, name: str, plan: str, now: datetime) -> "Workspace":
        """
        Return a new workspace with its twin; an empty plan stands for growth.

        Raises:
            InvalidArgument: the name has other characters than a–z, 0–9, `-`, `_` or not 1 to 64 of them;
                the plan is unknown.
        """
        violations = []
        if not is_name(name):
            violations.append(Violation("/name", "must be 1 to 64 characters of a-z, 0-9, - and _"))
        if plan and plan not in PLANS:
            violations.append(Violation("/plan", f"must be one of {', '.join(PLANS)}"))
        if violations:
            raise InvalidArgument.of(violations)
        return cls(WorkspaceId(new_id("ws")), WorkspaceId(new_id("ws")), name, plan or DEFAULT_PLAN, now)

    @property
    def is_closed(self) -> bool:
        """Whether it was deleted."""
        return self.deleted_at is not None

    def id_in(self, environment: Environment) -> WorkspaceId:
        """Return the id of the twin that keys of `environment` open."""
        return self.id if environment is Environment.LIVE else self.test_id

    def allowance(self, plans: Plans) -> Allowance:
        """Return what it, and its twin, may have."""
        return plans.allowance(self.plan).with_own(self.limits)

    def close(self, now: datetime) -> "Workspace":
        """Return it, closed from `now` on."""
        return replace(self, deleted_at=now)


def is_name(text: str) -> bool:
    """Whether a text can be a workspace's name (or id, whose characters are among those of names)."""
    return _NAME.fullmatch(text) is not None
