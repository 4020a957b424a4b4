"""What a batch may be."""

import pytest

from services.kernel.errors import InvalidArgument
from services.knowledge.domain.batch import MAX_BATCH, MAX_BATCH_BYTES, Proposed, check_size
from services.knowledge.domain.document import Description, Draft, Failure


def proposed(size: int) -> Proposed:
    return Proposed("e", Draft(Description("e", "t"), bytes(size)))


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [proposed(0)] * (MAX_BATCH + 1),
        [proposed(MAX_BATCH_BYTES), proposed(1)],
    ],
)
def test_batches_out_of_bounds_are_refused_whole(documents: list[Proposed]) -> None:
    """None, too many and too much in all are the batch's fault, which is named as such."""
    with pytest.raises(InvalidArgument) as caught:
        check_size(documents)
    assert [each.pointer for each in caught.value.violations] == ["/documents"]


def test_what_fails_anyway_does_not_count() -> None:
    """A bad document has no content; the others may have all the room."""
    check_size(
        [proposed(MAX_BATCH_BYTES), Proposed("f", Failure("INVALID_ARGUMENT", "/title: must not be empty"))]
    )
    check_size([proposed(0)] * MAX_BATCH)
