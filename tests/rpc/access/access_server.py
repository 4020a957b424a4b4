"""Fixture: access as its process joins it, on SQLite, behind a real gRPC server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from envoy.service.auth.v3 import external_auth_pb2 as auth_pb2
from envoy.service.auth.v3.external_auth_pb2_grpc import (
    AuthorizationStub,
    add_AuthorizationServicer_to_server,
)
from supportagent.access.v1.operator_service_pb2_grpc import (
    OperatorServiceStub,
    add_OperatorServiceServicer_to_server,
)

from gateway.access.api import authorization_servicer, operator_servicer
from gateway.access.api.authorization_servicer import AuthorizationServicer
from gateway.access.api.operator_servicer import OperatorServicer
from gateway.access.domain.check import Check
from gateway.access.domain.known_keys import KnownKeys
from gateway.access.domain.last_use import LastUse
from gateway.access.domain.operator import Operator
from gateway.access.storage.keys import StoredKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.clock import SystemClock
from services.runtime.database import migrate, open_database
from services.runtime.server import Service, start_server
from services.runtime.settings import Secret
from tests.contracts.access.stores import VERSIONS

CREDENTIAL = "internal-credential"
TOKEN = "o" * 43


@dataclass(frozen=True)
class AccessServer:
    """The two services of access."""

    authorization: AuthorizationStub
    operator: OperatorServiceStub
    channel: grpc.Channel

    def check(
        self, headers: dict[str, str] | None = None, *, audience: str = "api_key", scope: str = "query"
    ) -> auth_pb2.CheckResponse:
        """Ask as Envoy does, for a route with these demands."""
        return self.ask(headers or {}, {"audience": audience, "scope": scope, "route": "Test"})

    def ask(self, headers: dict[str, str], extensions: dict[str, str]) -> auth_pb2.CheckResponse:
        """Ask as Envoy does, for a route with these words of its own."""
        http = auth_pb2.AttributeContext.HttpRequest(method="POST", path="/v1/query", headers=headers)
        attributes = auth_pb2.AttributeContext(
            request=auth_pb2.AttributeContext.Request(http=http), context_extensions=extensions
        )
        response: auth_pb2.CheckResponse = self.authorization.Check(
            auth_pb2.CheckRequest(attributes=attributes), metadata=METADATA
        )
        return response


METADATA = (("x-internal-credential", CREDENTIAL), ("x-key-id", "operator"))


@pytest.fixture
def access(tmp_path: Path) -> Iterator[AccessServer]:
    """Return a running access without workspaces."""
    database = open_database(f"sqlite:///{tmp_path / 'access.db'}", "access")
    migrate(database, VERSIONS)
    clock, keys = SystemClock(), StoredKeys(database)
    known_keys = KnownKeys(keys)
    check = Check(known_keys, TOKEN, clock, LastUse())
    operator = Operator(StoredWorkspaces(database), keys, clock, known_keys.forget)
    running = start_server(
        [
            Service(
                authorization_servicer.SERVICE,
                add_AuthorizationServicer_to_server,
                AuthorizationServicer(check, Secret(CREDENTIAL)),
            ),
            Service(
                operator_servicer.SERVICE, add_OperatorServiceServicer_to_server, OperatorServicer(operator)
            ),
        ],
        credential=Secret(CREDENTIAL),
    )
    with grpc.insecure_channel(running.address) as channel:
        yield AccessServer(AuthorizationStub(channel), OperatorServiceStub(channel), channel)
    running.stop()
    database.close()
