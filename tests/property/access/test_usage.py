"""Any sequence of questions, crashes and losses, against what was really answered."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.kernel.ids import WorkspaceId
from tests.property.access.usage_world import WORKSPACES, UsageWorld

_workspaces = st.sampled_from(WORKSPACES)
_either = st.integers(0, 1)
_outcomes = st.sampled_from(
    ["arrives", "meanwhile", "lost", "late", "answer lost", "gateway dies before", "gateway dies after"]
)


class Usage(RuleBasedStateMachine):
    """What the ledger and the gateways' count tell, beside what was answered."""

    @initialize(limit=st.sampled_from([5, 1000]))
    def begin(self, limit: int) -> None:
        """Near the limit each request is counted by itself, far from it several are taken ahead."""
        self.limit = limit
        self.world = UsageWorld(limit)

    @rule(gateway=_either, workspace_id=_workspaces, times=st.integers(1, 4))
    def ask(self, gateway: int, workspace_id: WorkspaceId, times: int) -> None:
        """Send requests."""
        for _ in range(times):
            self.world.ask(gateway, workspace_id)

    @rule(gateway=_either, service=_either, workspace_id=_workspaces)
    def ask_and_answer(self, gateway: int, service: int, workspace_id: WorkspaceId) -> None:
        """Send one, and answer the oldest."""
        self.world.ask(gateway, workspace_id)
        if self.world.truth.in_flight:
            self.world.answer(service)

    @precondition(lambda self: self.world.truth.in_flight)
    @rule(service=_either)
    def answer(self, service: int) -> None:
        """Answer."""
        self.world.answer(service)

    @precondition(lambda self: self.world.truth.in_flight)
    @rule(service=_either)
    def fail(self, service: int) -> None:
        """Answer with an error."""
        self.world.fail(service)

    @precondition(lambda self: self.world.truth.in_flight)
    @rule()
    def lose(self) -> None:
        """Refuse it between gateway and service."""
        self.world.lose()

    @precondition(lambda self: self.world.truth.in_flight)
    @rule(service=_either, when=st.sampled_from(["before", "after"]))
    def die_answering(self, service: int, when: str) -> None:
        """A service dies at its commit."""
        self.world.die_answering(service, when)

    @rule(service=_either, gateway=_either, outcome=_outcomes)
    def report(self, service: int, gateway: int, outcome: str) -> None:
        """A service reports; much can happen to it."""
        self.world.report(service, gateway, outcome)

    @precondition(lambda self: self.world.late)
    @rule(gateway=_either)
    def arrive_late(self, gateway: int) -> None:
        """A report arrives that others have overtaken."""
        self.world.arrive_late(gateway)

    @rule(service=_either)
    def restart_service(self, service: int) -> None:
        """A service dies."""
        self.world.restart_service(service)

    @rule(gateway=_either)
    def restart_gateway(self, gateway: int) -> None:
        """A gateway dies."""
        self.world.restart_gateway(gateway)

    @rule()
    def flush(self) -> None:
        """The shared counters are lost."""
        self.world.flush()

    @rule(counters=st.booleans(), ledger=st.booleans())
    def cut_off(self, counters: bool, ledger: bool) -> None:
        """The shared counters or the ledger can't be reached, or can again."""
        self.world.counters.down, self.world.ledger.down = counters, ledger

    @rule(gateway=_either, seconds=st.sampled_from([0.1, 1.0, 6.0, 76.0]))
    def wait(self, gateway: int, seconds: float) -> None:
        """Time passes, and a gateway looks after its counts."""
        self.world.clock.advance(seconds)
        self.world.tidy(gateway)
        self.world.go_round(gateway)

    @invariant()
    def nothing_is_charged_that_was_not_done(self) -> None:
        """At no time does the ledger tell more than was durably counted."""
        for each in WORKSPACES:
            assert self.world.told(each) <= self.world.truth.charged(each)

    @invariant()
    def the_quota_holds(self) -> None:
        """Beyond it goes at most what was on its way when the count was lost or put right."""
        truth = self.world.truth
        if not truth.quota_was_open:
            for each in WORKSPACES:
                assert truth.charged(each) <= self.limit + truth.missed[each]

    def teardown(self) -> None:
        """Once it is quiet, the ledger tells what was answered, and so does the gateways' count."""
        world = self.world
        world.come_to_rest()
        for each in WORKSPACES:
            assert world.told(each) == world.truth.charged(each)
            counted = world.counters.counted(each, world.month)
            assert counted is not None
            assert counted.used == world.truth.charged(each)
        world.close()


def test_any_history_is_charged_right() -> None:
    """Whoever dies at whatever moment: what was answered is charged once, nothing else is."""
    run_state_machine_as_test(
        Usage, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
