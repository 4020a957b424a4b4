"""Rolling back to the generation that served before."""

import pytest

from services.knowledge.domain.errors import (
    NoPreviousGeneration,
)
from services.knowledge.domain.operation import Kind
from services.knowledge.domain.operation import Status as OperationStatus
from tests.contracts.knowledge.fleet import Fleet
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop, page


def test_rollback_goes_back_and_forth(workshop: Workshop) -> None:
    """The generation before is brought up to date and serves again; going back twice ends where it began."""
    fleet = Fleet(workshop)
    workshop.create(page("kept", "Kept."))
    workshop.create(page("edited", "Old."))
    workshop.create(page("deleted", "Deleted."))
    fleet.settle()
    workshop.reindex()
    fleet.finish()
    workshop.push(page("edited", "New."), page("created", "Created."))
    workshop.write.delete_by_external_id(WORKSPACE, "deleted", "")
    fleet.settle()
    for target, lacking in ((1, 2), (2, 0), (1, 0)):
        operation = workshop.roll_back()
        assert (operation.kind, operation.generation) == (Kind.ROLLBACK, target)
        assert operation.counts.total == lacking
        fleet.finish()
        assert fleet.now(operation).status is OperationStatus.SUCCEEDED
        assert fleet.generations == [target, target]
        assert fleet.found == ["Created.", "Kept.", "New."]
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.previous_generation) == (1, 2)


def test_rollback_can_be_cancelled_and_begun_again(workshop: Workshop) -> None:
    """A rollback that was given up leaves the generation to go back to."""
    fleet = Fleet(workshop)
    workshop.create(page("a", "Old."))
    fleet.settle()
    workshop.reindex()
    fleet.finish()
    workshop.push(page("a", "New."))
    fleet.settle()
    workshop.operations.cancel(WORKSPACE, workshop.roll_back().id)
    index = workshop.read.index(WORKSPACE)
    assert (index.generation, index.next_generation, index.previous_generation) == (2, None, 1)
    fleet.step()
    workshop.roll_back()
    fleet.finish()
    assert fleet.replicas[0].generation == 1
    assert fleet.replicas[0].found() == ["New."]


def test_nothing_to_go_back_to(workshop: Workshop) -> None:
    """Before the first switch there is no way back, and a new re-index ends the one there was."""
    fleet = Fleet(workshop)
    workshop.create()
    fleet.settle()
    with pytest.raises(NoPreviousGeneration):
        workshop.roll_back()
    workshop.reindex()
    fleet.finish()
    workshop.operations.cancel(WORKSPACE, workshop.reindex().id)
    with pytest.raises(NoPreviousGeneration):
        workshop.roll_back()
