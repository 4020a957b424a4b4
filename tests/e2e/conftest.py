"""One system for all end-to-end tests, and two workspaces with pages in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import corpus
from tests.e2e.system import System, Workspace, running_system


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, without the demo workspace."""
    with running_system(tmp_path_factory.mktemp("data"), "--no-demo") as running:
        yield running


@pytest.fixture(scope="session")
def leaf_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that was pushed into `leaf`."""
    return corpus.write(tmp_path_factory.mktemp("leaf"), corpus.LEAF)


@pytest.fixture(scope="session")
def leaf(system: System, leaf_pages: Path) -> Workspace:
    """A workspace with the pages of one shop; tests leave these as they are."""
    workspace = system.workspace("leaf")
    pushed = system.cli("kb", "push", str(leaf_pages), key=workspace.key)
    assert pushed.stdout == "5 created, 0 updated, 0 unchanged, 0 failed\n"
    return workspace


@pytest.fixture(scope="session")
def pot(system: System, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the page of another shop."""
    workspace = system.workspace("pot")
    system.cli("kb", "push", str(corpus.write(tmp_path_factory.mktemp("pot"), corpus.POT)), key=workspace.key)
    return workspace


@pytest.fixture(scope="session")
def scratch(system: System) -> Workspace:
    """A workspace that tests change as they like; each with documents of its own."""
    return system.workspace("scratch")


@pytest.fixture(scope="session")
def coldwren(system: System) -> Workspace:
    """A workspace with sample pages; tests leave these as they are."""
    workspace = system.workspace("coldwren")
    for folder in ("billing", "orders"):
        system.cli("kb", "push", str(corpus.SAMPLE / folder), key=workspace.key)
    return workspace
