import re
import time

from services.kernel.ids import new_id


def test_ids_are_prefixed_and_unlike() -> None:
    """An id names its kind, fits into a URL as it is and is never given twice."""
    ids = {new_id("doc") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"doc_[0-9a-v]{36}", each) for each in ids)


def test_ids_sort_by_age() -> None:
    """A later id is larger."""
    first = new_id("op")
    time.sleep(0.002)
    assert new_id("op") > first
