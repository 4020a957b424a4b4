"""What workspaces may have, as it was a moment ago."""

import time
from collections.abc import Callable

from prometheus_client import Counter

from services.kernel.errors import DomainError
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.stock import Allowance

UNKNOWN = Counter("knowledge_allowance_unknown_total", "Writes that no quota was held against.")
STALE = Counter("knowledge_allowance_stale_total", "Times that an old allowance had to do.")

# A change of plan is seen within this time.
LIFETIME_SECONDS = 5.0
# Each try may take half a second of a write.
_RETRY_SECONDS = 1.0
_CAPACITY = 10_000


class KnownAllowances:
    """
    `Allowances` in front of access, at most five seconds old.

    While access can't say, the last one known goes on being used, however old; where there is none the
    knowledge base takes everything: a push that fails for our fault is worse than a document too many, which
    counts all the same. Safe to share between threads.
    """

    def __init__(
        self,
        ask: Callable[[WorkspaceId], Allowance],
        *,
        capacity: int = _CAPACITY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` raises DomainError when it can't say."""
        self._ask = ask
        self._capacity = capacity
        self._monotonic = monotonic
        # Until when, in the order of their entry.
        self._known: dict[WorkspaceId, tuple[float, Allowance | None]] = {}

    def of(self, workspace_id: WorkspaceId) -> Allowance | None:
        """Return what a workspace may have; None where nobody can say."""
        # Taken before it is asked: the answer may be as old as this.
        now = self._monotonic()
        until, allowance = self._known.get(workspace_id, (now, None))
        if now >= until:
            try:
                allowance, until = self._ask(workspace_id), now + LIFETIME_SECONDS
            except DomainError:
                STALE.inc()
                until = self._monotonic() + _RETRY_SECONDS
            self._remember(workspace_id, until, allowance)
        if allowance is None:
            UNKNOWN.inc()
        return allowance

    def _remember(self, workspace_id: WorkspaceId, until: float, allowance: Allowance | None) -> None:
        self._known.pop(workspace_id, None)
        self._known[workspace_id] = (until, allowance)
        while len(self._known) > self._capacity:
            eldest = next(iter(self._known), None)
            if eldest is not None:
                self._known.pop(eldest, None)
