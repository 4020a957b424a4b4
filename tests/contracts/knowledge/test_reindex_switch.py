"""The switch to a new generation: one instant for all replicas, whatever becomes of them."""

from collections.abc import Callable

import pytest

from services.kernel.errors import Unavailable
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.document import Status
from services.knowledge.domain.operation import ItemError
from services.knowledge.domain.operation import Status as OperationStatus
from services.knowledge.domain.ports.bases import Base
from services.knowledge.domain.switching import Switching
from tests.contracts.knowledge.fleet import SWITCH_SECONDS, Fleet
from tests.contracts.knowledge.search_replica import NotServing, SearchReplica
from tests.contracts.knowledge.workshop import LEASE_SECONDS, OTHER, WORKSPACE, Workshop, page


class SlowGate:
    """Objects to nothing, but something happens until it says so."""

    def __init__(self, meanwhile: Callable[[], object], asked: list[WorkspaceId] | None = None) -> None:
        self._meanwhile = meanwhile
        self._asked = [] if asked is None else asked

    def objections(self, workspace_id: WorkspaceId, base: Base) -> list[ItemError]:
        """Return none."""
        self._asked.append(workspace_id)
        self._meanwhile()
        return []


def test_replica_that_joins_while_a_gate_is_asked(workshop: Workshop) -> None:
    """What a gate takes its time for may be over by then: then the switch waits for all to be level."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    workshop.reindex()
    fleet.settle()
    late = SearchReplica(workshop, "late")
    switching = Switching(workshop.store, workshop.clock, LEASE_SECONDS, [SlowGate(late.report)])
    for _ in range(2):
        switching.advance()
    assert late.report().switches == []
    late.step()
    workshop.switching.advance()
    assert [each.generation for each in late.report().switches] == [2]


def test_gate_that_is_away_holds_up_no_other_workspace(workshop: Workshop) -> None:
    """Whoever comes first by its name, the others' re-indexes go on."""

    def away() -> None:
        if len(asked) == 1:
            raise Unavailable("The gate is away.")

    asked: list[WorkspaceId] = []
    workshop.sync()
    for each in (WORKSPACE, OTHER):
        workshop.reindex(workspace_id=each)
    switching = Switching(workshop.store, workshop.clock, LEASE_SECONDS, [SlowGate(away, asked)])
    switching.advance()
    with pytest.raises(Unavailable):
        switching.advance()
    assert asked == [WORKSPACE, OTHER]
    with workshop.store.read() as tx:
        _, switches = tx.replicas.following()
    assert [each.workspace_id for each in switches] == [OTHER]


def test_switch_is_one_instant(workshop: Workshop) -> None:
    """It is told to all that may serve then: none serves the old one after it, or the new one before."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    workshop.reindex()
    fleet.set_switch()
    (switches,) = {tuple(each.report().switches) for each in fleet.replicas}
    (switch,) = switches
    assert (switch.generation, (switch.at - workshop.clock.now()).total_seconds()) == (2, SWITCH_SECONDS)
    fleet.pass_time(SWITCH_SECONDS - 1)
    assert fleet.generations == [1, 1]
    workshop.clock.advance(1)
    assert fleet.generations == [2, 2]
    workshop.switching.advance()
    fleet.step()
    assert fleet.generations == [2, 2]
    assert [sorted(each.files) for each in fleet.replicas] == [[2], [2]]


def test_replica_that_does_not_hear_of_the_switch_has_no_lease_by_then(workshop: Workshop) -> None:
    """One that is cut off as the switch is set does not serve when it comes, and learns of it later."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    workshop.reindex()
    fleet.set_switch()
    cut_off = fleet.replicas.pop()
    fleet.pass_time(SWITCH_SECONDS)
    assert fleet.generations == [2]
    with pytest.raises(NotServing):
        _ = cut_off.generation
    workshop.switching.advance()
    cut_off.step()
    assert cut_off.generation == 2
    assert sorted(cut_off.files) == [2]


def test_replica_that_joins_serves_what_the_others_serve(workshop: Workshop) -> None:
    """Whatever a re-index is at when a replica starts, it goes over with the others."""
    fleet = Fleet(workshop)
    workshop.create(page("a", "Text."))
    fleet.settle()
    workshop.reindex()
    late = [SearchReplica(workshop, f"late-{n}") for n in range(3)]
    late[0].step()
    assert late[0].found() == ["Text."]
    fleet.replicas.append(late[0])
    workshop.index()
    fleet.step()
    workshop.switching.advance()
    late[1].report()
    workshop.switching.advance()
    assert late[1].report().switches == []  # it has not got it yet
    late[1].step()
    fleet.replicas.append(late[1])
    workshop.switching.advance()
    late[2].step()
    fleet.replicas.append(late[2])
    fleet.pass_time(SWITCH_SECONDS)
    assert fleet.generations == [2] * 5
    assert fleet.found == ["Text."]


def test_dead_replica_holds_nothing_up(workshop: Workshop) -> None:
    """A replica that dies is waited for as long as its lease, no longer."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    operation = workshop.reindex()
    dead = fleet.replicas.pop()
    fleet.set_switch()
    assert fleet.replicas[0].report().switches == []
    fleet.pass_time(int(LEASE_SECONDS) + 1)
    fleet.finish()
    assert fleet.now(operation).status is OperationStatus.SUCCEEDED
    dead.step()
    assert dead.generation == 2


def test_nothing_is_switched_without_a_replica(workshop: Workshop) -> None:
    """While no replica lives, the re-index waits."""
    workshop.create()
    workshop.index()
    operation = workshop.reindex()
    workshop.index()
    for _ in range(3):
        workshop.switching.advance()
    assert workshop.operations.get(WORKSPACE, operation.id).status is OperationStatus.RUNNING
    fleet = Fleet(workshop)
    fleet.finish()
    assert fleet.now(operation).status is OperationStatus.SUCCEEDED


def test_writes_between_the_steps_of_the_switch(workshop: Workshop) -> None:
    """A document is indexed, from when the switch is set on, once all replicas have it in both."""
    fleet = Fleet(workshop)
    workshop.create(page("a", "Old."))
    fleet.settle()
    workshop.reindex()
    fleet.set_switch()
    document = workshop.create(page("b", "New."))
    workshop.index()
    for each in fleet.replicas:
        each.report()
        each.fetch([1])
        each.report()
    assert workshop.document(document.id).status is Status.PUBLISHING
    fleet.step()
    assert workshop.document(document.id).status is Status.INDEXED
    fleet.pass_time(SWITCH_SECONDS)
    assert [each.found() for each in fleet.replicas] == [["New.", "Old."]] * 2
