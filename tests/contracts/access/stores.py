"""Fixtures: access's stores, in memory and on both databases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import gateway.access.storage
from gateway.access.domain.ports import Audit, Keys, Workspaces
from gateway.access.storage.audit import StoredAudit
from gateway.access.storage.keys import StoredKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.runtime.database import Database, migrate, open_database
from tests.fakes.access import FakeAudit, FakeKeys, FakeWorkspaces

VERSIONS = Path(gateway.access.storage.__file__).parent / "versions"


@dataclass(frozen=True)
class Stores:
    """The ports of one store."""

    workspaces: Workspaces
    keys: Keys
    audit: Audit


def fake_stores() -> Stores:
    """Return stores in memory."""
    audit = FakeAudit()
    workspaces = FakeWorkspaces(audit)
    return Stores(workspaces, FakeKeys(workspaces, audit), audit)


def stores_on(database: Database) -> Stores:
    """Return stores on a database."""
    return Stores(StoredWorkspaces(database), StoredKeys(database), StoredAudit(database))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return access's tables, empty, on each database in turn."""
    database = open_database(database_url, "access")
    migrate(database, VERSIONS)
    yield database
    database.close()
