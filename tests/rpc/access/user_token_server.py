"""The signing keys and the check of user tokens as access' process joins them, on SQLite, over gRPC."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import jwt
from supportagent.access.v1 import user_key_service_pb2 as key_pb
from supportagent.access.v1.user_key_service_pb2_grpc import (
    UserKeyServiceStub,
    add_UserKeyServiceServicer_to_server,
)
from supportagent.access.v1.user_token_service_pb2_grpc import (
    UserTokenServiceStub,
    add_UserTokenServiceServicer_to_server,
)

from gateway.access.api import user_key_servicer, user_token_servicer
from gateway.access.api.user_key_servicer import UserKeyServicer
from gateway.access.api.user_token_servicer import UserTokenServicer
from gateway.access.domain.user_tokens.key_sets import KeySets
from gateway.access.domain.user_tokens.signing_keys import SigningKeys
from gateway.access.domain.user_tokens.verification import UserTokens
from gateway.access.domain.workspaces.workspace import Workspace
from gateway.access.jose.public_keys import PemPublicKeys
from gateway.access.jose.signatures import JoseSignatures
from gateway.access.storage.user_keys import StoredUserKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.clock import SystemClock
from services.runtime.database import migrate, open_database
from services.runtime.seal import Seal
from services.runtime.server import RunningServer, Service, start_server
from services.runtime.settings import Secret
from tests.contracts.access.given import an_entry
from tests.contracts.access.stores import VERSIONS
from tests.fakes.key_set_source import FakeKeySetSource

CREDENTIAL = Secret("internal-credential")
OPERATOR = (("x-internal-credential", CREDENTIAL.reveal()), ("x-key-id", "operator"))


@dataclass(frozen=True)
class UserTokenServer:
    """The two services; acme and other are workspaces without signing keys."""

    keys: UserKeyServiceStub
    tokens: UserTokenServiceStub
    running: RunningServer
    workspaces: dict[str, Workspace]

    def key(self, workspace: str = "acme", **wish: Any) -> key_pb.UserKey:
        """Make a signing key."""
        request = key_pb.CreateUserKeyRequest(workspace=workspace, **wish)
        key: key_pb.UserKey = self.keys.CreateUserKey(request, metadata=OPERATOR).user_key
        return key


def as_caller(workspace_id: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a service that asks for a workspace."""
    return (("x-internal-credential", CREDENTIAL.reveal()), ("x-workspace-id", workspace_id))


def token(key: key_pb.UserKey, subject: str = "ann", **claims: Any) -> str:
    """Return a token as a customer's back end makes it."""
    now = int(SystemClock().now().timestamp())
    whole = {"iss": key.iss, "aud": key.aud, "sub": subject, "iat": now, "exp": now + 600, **claims}
    return jwt.encode(whole, key.secret, "HS256", {"kid": key.kid})


@contextmanager
def user_token_server(folder: Path) -> Iterator[UserTokenServer]:
    """Start both services."""
    database = open_database(f"sqlite:///{folder / 'access.db'}", "access")
    migrate(database, VERSIONS)
    clock, workspaces = SystemClock(), StoredWorkspaces(database)
    made = {name: Workspace.create(name, "", clock.now()) for name in ("acme", "other")}
    for each in made.values():
        workspaces.add(each, an_entry(each.id))
    keys = StoredUserKeys(database, Seal("A" * 43))
    tokens = UserTokens(keys, KeySets(FakeKeySetSource()), JoseSignatures(), clock)
    running = start_server(
        [
            Service(
                user_key_servicer.SERVICE,
                add_UserKeyServiceServicer_to_server,
                UserKeyServicer(SigningKeys(keys, workspaces, PemPublicKeys(), clock)),
            ),
            Service(
                user_token_servicer.SERVICE,
                add_UserTokenServiceServicer_to_server,
                UserTokenServicer(tokens),
            ),
        ],
        credential=CREDENTIAL,
    )
    with grpc.insecure_channel(running.address) as channel:
        yield UserTokenServer(UserKeyServiceStub(channel), UserTokenServiceStub(channel), running, made)
    running.stop()
    database.close()
