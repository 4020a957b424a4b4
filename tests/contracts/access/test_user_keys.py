"""Access's signing keys: the fake, SQLite and PostgreSQL keep the same promises."""

import base64

import pytest
import sqlalchemy as sa
import structlog

from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.storage.audit import StoredAudit
from gateway.access.storage.schema import user_keys
from gateway.access.storage.user_keys import StoredUserKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.runtime.database import Database
from services.runtime.seal import Seal
from tests.contracts.access.stores import database
from tests.contracts.access.user_keys_contract import UserKeysContract, UserKeyStores
from tests.fakes.access import FakeAudit, FakeWorkspaces
from tests.fakes.user_keys import FakeUserKeys

__all__ = ["database"]

OLD, NEW = "A" * 43, "B" * 42 + "A"


def stores_on(database: Database, keys: str = OLD) -> UserKeyStores:
    """Return stores on a database."""
    return UserKeyStores(
        StoredWorkspaces(database), StoredUserKeys(database, Seal(keys)), StoredAudit(database)
    )


class TestFakeUserKeys(UserKeysContract):
    """The shared suite on the fake."""

    @pytest.fixture
    def stores(self) -> UserKeyStores:
        """Return empty stores in memory."""
        audit = FakeAudit()
        return UserKeyStores(FakeWorkspaces(audit), FakeUserKeys(audit), audit)


class TestStoredUserKeys(UserKeysContract):
    """The shared suite on both databases."""

    @pytest.fixture
    def stores(self, database: Database) -> UserKeyStores:
        """Return empty stores on a database."""
        return stores_on(database)


def test_no_secret_can_be_read_in_the_database(database: Database) -> None:
    """Neither its text nor the bytes that it stands for."""
    stores = stores_on(database)
    key = stores.key(stores.workspace("acme"))
    sealed = _sealed(database, key.kid)
    raw = base64.b64decode(sealed.removeprefix("1."))
    assert key.secret not in sealed
    assert base64.urlsafe_b64decode(key.secret + "=") not in raw
    assert key.secret.encode() not in raw


def test_a_secret_opens_in_its_own_row_alone(database: Database) -> None:
    """Copied into another workspace's row, or another row of its own, it is no key; the log says so."""
    stores = stores_on(database)
    acme, other = stores.workspace("acme"), stores.workspace("other")
    key = stores.key(acme)
    for victim in (stores.key(acme, 1), stores.key(other)):
        _seal_as(database, victim.kid, _sealed(database, key.kid))
        with structlog.testing.capture_logs() as logs:
            assert victim.kid not in [each.kid for each in stores.user_keys.active(victim.workspace_id)]
        assert [(each["event"], each["kid"]) for each in logs] == [("secret_unreadable", victim.kid)]
    assert list(stores.user_keys.active(acme.id)) == [key]


def test_the_installations_key_can_be_changed(database: Database) -> None:
    """A new one before the old one opens both; alone, what the old one sealed is lost."""
    acme = stores_on(database).workspace("acme")
    old = stores_on(database, OLD).key(acme)
    new = stores_on(database, f"{NEW},{OLD}").key(acme, 1)
    assert _kids(stores_on(database, f"{NEW},{OLD}"), acme) == [old.kid, new.kid]
    assert _kids(stores_on(database, NEW), acme) == [new.kid]
    assert _kids(stores_on(database, OLD), acme) == [old.kid]


def _kids(stores: UserKeyStores, workspace: Workspace) -> list[str]:
    return [each.kid for each in stores.user_keys.active(workspace.id)]


def _sealed(database: Database, kid: str) -> str:
    with database.read() as connection:
        return str(connection.scalar(sa.select(user_keys.c.secret).where(user_keys.c.kid == kid)))


def _seal_as(database: Database, kid: str, sealed: str) -> None:
    with database.write() as connection:
        connection.execute(sa.update(user_keys).where(user_keys.c.kid == kid).values(secret=sealed))
