"""What the states of its documents make of an operation."""

import pytest

from services.knowledge.domain.operation import Counts, Status


@pytest.mark.parametrize(
    ("counts", "begun", "status"),
    [
        (Counts(pending=2), False, Status.QUEUED),
        (Counts(pending=2), True, Status.RUNNING),
        (Counts(pending=1, done=1), False, Status.RUNNING),
        (Counts(done=2), False, Status.SUCCEEDED),
        (Counts(done=1, failed=1), False, Status.PARTIALLY_FAILED),
        (Counts(failed=2), False, Status.FAILED),
        (Counts(done=1, failed=1, cancelled=1), False, Status.CANCELLED),
    ],
)
def test_status(counts: Counts, begun: bool, status: Status) -> None:
    """An operation is as far as its documents."""
    assert counts.status(begun=begun) is status
