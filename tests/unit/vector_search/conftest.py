"""A replica with a snapshot, for tests that say nothing else of their feed and replica."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.saved_replica import a_feed, saved_replica
from tests.fakes.vector_search_data import ReplicaUnderTest


@pytest.fixture
def feed() -> FakeChangeFeed:
    """Return a feed with 120 passages in three documents."""
    return a_feed()


@pytest.fixture
def replica(feed: FakeChangeFeed, tmp_path: Path) -> Iterator[ReplicaUnderTest]:
    """Return a replica that is level and has a snapshot of 120 passages."""
    replica = saved_replica(feed, tmp_path / "replica")
    yield replica
    replica.stop()
