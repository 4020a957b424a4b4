"""Each suite here runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.contracts.knowledge.workshop import Workshop


@pytest.fixture
def workshop(database_url: str) -> Iterator[Workshop]:
    """An empty installation."""
    made = Workshop(database_url)
    yield made
    made.store.close()
