"""Search replicas that follow a workspace together, and see re-indexes through."""

from services.knowledge.domain.operation import Operation
from tests.contracts.knowledge.search_replica import SearchReplica
from tests.contracts.knowledge.workshop import LEASE_SECONDS, WORKSPACE, Workshop

# A lease, and the margin between its end and the switch.
SWITCH_SECONDS = int(LEASE_SECONDS) + 2


class Fleet:
    """Replicas that start level."""

    def __init__(self, workshop: Workshop, size: int = 2) -> None:
        self._workshop = workshop
        self.replicas = [SearchReplica(workshop, f"replica-{n}") for n in range(size)]
        self.step()

    @property
    def generations(self) -> list[int]:
        """What each serves now."""
        return [each.generation for each in self.replicas]

    @property
    def found(self) -> list[str]:
        """What all of them find now."""
        first, *others = [each.found() for each in self.replicas]
        assert all(each == first for each in others)
        return first

    def step(self) -> None:
        """Let each report and catch up."""
        for each in self.replicas:
            each.step()

    def settle(self) -> None:
        """Work off the queue, and confirm it."""
        while self._workshop.index():
            self.step()
        self.step()

    def set_switch(self) -> None:
        """Bring a re-index as far as to the switch being set."""
        self.settle()
        for _ in range(2):
            self._workshop.switching.advance()

    def finish(self) -> None:
        """See a re-index through to its end."""
        self.set_switch()
        self.pass_time(SWITCH_SECONDS)
        self._workshop.switching.advance()
        self.step()

    def pass_time(self, seconds: int) -> None:
        """Let time pass, with the leases prolonged."""
        for _ in range(seconds):
            self._workshop.clock.advance(1)
            for each in self.replicas:
                each.report()

    def now(self, operation: Operation) -> Operation:
        """Return an operation as it is now."""
        return self._workshop.operations.get(WORKSPACE, operation.id)
