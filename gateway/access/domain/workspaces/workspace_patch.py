"""What an operator changes of a workspace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.access.domain.workspaces.allowance import LIMITS
from gateway.access.domain.workspaces.plans import PLANS
from gateway.access.domain.workspaces.workspace import Workspace
from services.kernel.errors import InvalidArgument, Violation

_MOST_PER_MINUTE = 1_000_000
_MOST = 1_000_000_000
# A petabyte; far below 2^53, beyond which JSON's numbers have gaps.
_MOST_BYTES = 10**15


@dataclass(frozen=True)
class WorkspacePatch:
    """What is given changes; an empty plan: as it is. `clear` names limits that go back to the plan's."""

    plan: str = ""
    # As they came, by the names in `LIMITS`: not necessarily whole.
    limits: Mapping[str, float] = field(default_factory=dict)
    clear: Sequence[str] = ()

    def check(self) -> None:
        """
        Hold it against the rules.

        Raises:
            InvalidArgument: with each rule that it breaks.
        """
        violations = list(self._violations())
        if violations:
            raise InvalidArgument.of(violations)

    def apply(self, workspace: Workspace) -> Workspace:
        """Return the changed workspace."""
        kept = {name: value for name, value in workspace.limits.items() if name not in self.clear}
        given = {name: int(value) for name, value in self.limits.items()}
        return replace(workspace, plan=self.plan or workspace.plan, limits=kept | given)

    def _violations(self) -> Iterator[Violation]:
        if self.plan and self.plan not in PLANS:
            yield Violation("/plan", f"must be one of {', '.join(PLANS)}")
        for name, value in self.limits.items():
            most = _most(name)
            # Also false for what is no number.
            if not (1 <= value <= most and value == int(value)):
                yield Violation(f"/limits/{name}", f"must be a whole number from 1 to {most:,}")
        for position, name in enumerate(self.clear):
            if name not in LIMITS:
                yield Violation(f"/clear/{position}", f"must be one of {', '.join(LIMITS)}")
            elif name in self.limits:
                yield Violation(f"/clear/{position}", f"{name} is given in /limits, too")


def changes(before: Workspace, after: Workspace) -> dict[str, str]:
    """Return what differs, for the audit: `{"plan": "growth → scale", "queries": "plan's → 500"}`."""
    told = {}
    if before.plan != after.plan:
        told["plan"] = f"{before.plan} → {after.plan}"
    for name in LIMITS:
        old, new = before.limits.get(name, "plan's"), after.limits.get(name, "plan's")
        if old != new:
            told[name] = f"{old} → {new}"
    return told


def _most(name: str) -> int:
    if name.endswith("_per_minute"):
        return _MOST_PER_MINUTE
    return _MOST_BYTES if name == "bytes" else _MOST
