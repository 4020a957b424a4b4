"""A system of its own for the tests that kill its processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.system import System, running_system


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, without the demo workspace."""
    with running_system(tmp_path_factory.mktemp("data"), "--no-demo") as running:
        yield running
