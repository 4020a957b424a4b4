"""The audit: what was changed and what was refused, in entries that are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.kernel.ids import new_id

OPERATOR = "operator"


class Event(StrEnum):
    """What happened."""

    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_UPDATED = "workspace.updated"
    WORKSPACE_DELETED = "workspace.deleted"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    USER_KEY_CREATED = "user_key.created"
    USER_KEY_DISABLED = "user_key.disabled"
    REQUEST_REFUSED = "request.refused"


@dataclass(frozen=True)
class AuditEntry:
    """
    One entry.

    Empty texts stand for what is not known: a refused request may belong to no key, and nobody is its actor.
    `details` say what changed, and never hold a secret.
    """

    id: str
    at: datetime
    event: Event
    workspace_id: str
    key_id: str = ""
    actor: str = ""
    # Why requests were refused, and how many.
    reason: str = ""
    count: int = 1
    details: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_change(
        cls, event: Event, at: datetime, workspace_id: str, key_id: str = "", *, details: Mapping[str, str]
    ) -> "AuditEntry":
        """Return the entry of what the operator did; of `details` the empty ones are left out."""
        said = {name: text for name, text in details.items() if text}
        return cls(new_id("aud"), at, event, workspace_id, key_id, OPERATOR, details=said)

    @classmethod
    def of_refusals(
        cls, at: datetime, workspace_id: str, key_id: str, reason: str, count: int
    ) -> "AuditEntry":
        """Return the entry of requests that were refused for one reason, the first of them `at`."""
        return cls(new_id("aud"), at, Event.REQUEST_REFUSED, workspace_id, key_id, reason=reason, count=count)
