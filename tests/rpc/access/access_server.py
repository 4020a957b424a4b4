"""Fixture: access as its process joins it, on SQLite, behind real servers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from supportagent.access.v1 import operator_service_pb2 as pb
from supportagent.access.v1.operator_service_pb2_grpc import (
    OperatorServiceStub,
    add_OperatorServiceServicer_to_server,
)

from gateway.access.api import operator_servicer
from gateway.access.api.check_handler import CheckHandler
from gateway.access.api.check_server import CheckServer
from gateway.access.api.operator_servicer import OperatorServicer
from gateway.access.domain.check import Check
from gateway.access.domain.keys.key_directory import KeyDirectory
from gateway.access.domain.keys.known_key import Used
from gateway.access.domain.keys.known_keys import KnownKeys
from gateway.access.domain.keys.last_use import LastUse
from gateway.access.domain.operator import Operator
from gateway.access.domain.refusals import Refusals
from gateway.access.domain.workspaces.plans import Plans
from gateway.access.storage.audit import StoredAudit
from gateway.access.storage.keys import StoredKeys
from gateway.access.storage.workspaces import StoredWorkspaces
from services.kernel.clock import SystemClock
from services.runtime.database import migrate, open_database
from services.runtime.server import Service, start_server
from services.runtime.settings import Secret
from tests.contracts.access.stores import VERSIONS
from tests.fakes.limits import FakeLimits

CREDENTIAL = "internal-credential"
TOKEN = "o" * 43
METADATA = (("x-internal-credential", CREDENTIAL), ("x-key-id", "operator"))
QUERY_RULE = "api_key|query|true|query|supportagent.query.v1.QueryService/Query"


@dataclass(frozen=True)
class AccessServer:
    """The operator's RPCs, and the check as Envoy asks it."""

    operator: OperatorServiceStub
    channel: grpc.Channel
    http: httpx.Client
    limits: FakeLimits

    def check(
        self, headers: Mapping[str, str] | None = None, *, rule: str = QUERY_RULE, method: str = "POST"
    ) -> httpx.Response:
        """Ask as Envoy does, for a route with that rule."""
        own = {"x-internal-credential": CREDENTIAL, "x-route-rule": rule}
        return self.http.request(method, "/", headers={**own, **(headers or {})})

    def key(self, workspace: str = "acme", **wish: Any) -> pb.Key:
        """Make a key, and its workspace if it is the first one."""
        found = self.operator.ListWorkspaces(pb.ListWorkspacesRequest(), metadata=METADATA)
        if workspace not in [each.name for each in found.items]:
            self.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name=workspace), metadata=METADATA)
        request = pb.CreateKeyRequest(workspace=workspace, **(wish or {"scopes": ["query"]}))
        key: pb.Key = self.operator.CreateKey(request, metadata=METADATA).key
        return key


@pytest.fixture
def access(tmp_path: Path) -> Iterator[AccessServer]:
    """Return a running access without workspaces."""
    database = open_database(f"sqlite:///{tmp_path / 'access.db'}", "access")
    migrate(database, VERSIONS)
    clock, keys, limits = SystemClock(), StoredKeys(database), FakeLimits()
    plans = Plans.shipped()
    known_keys = KnownKeys(KeyDirectory(keys, plans, lambda workspace_id: Used()))
    check = Check(known_keys, limits, TOKEN, clock, LastUse(), Refusals())
    operator = Operator(StoredWorkspaces(database), keys, StoredAudit(database), known_keys, clock)
    running = start_server(
        [
            Service(
                operator_servicer.SERVICE,
                add_OperatorServiceServicer_to_server,
                OperatorServicer(operator, plans),
            )
        ],
        credential=Secret(CREDENTIAL),
    )
    server = CheckServer(CheckHandler(check.at_once, lambda _: None, Secret(CREDENTIAL)), "127.0.0.1:0")
    server.start()
    with (
        grpc.insecure_channel(running.address) as channel,
        httpx.Client(base_url=f"http://{server.address}") as http,
    ):
        yield AccessServer(OperatorServiceStub(channel), channel, http, limits)
    server.stop()
    running.stop()
    database.close()
