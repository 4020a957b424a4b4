"""A gateway for all tests here: a real Envoy between fake services, started once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.envoy.generate import Address
from services.runtime.server import start_server
from services.runtime.settings import Secret
from tests.fakes.fake_access_service import FakeAccessService
from tests.fakes.fake_check import CREDENTIAL, KEY, OPERATOR_TOKEN, FakeCheck
from tests.fakes.fake_conversation_service import FakeConversationService
from tests.fakes.fake_knowledge_service import FakeKnowledgeService
from tests.fakes.fake_query_service import FakeQueryService
from tests.gateway.envoy_process import EnvoyProcess, start_envoy

ROOMS = ("access", "query", "knowledge", "conversations")
MEBIBYTE = 1024 * 1024


StartEnvoy = Callable[[Address, dict[str, Address]], EnvoyProcess]


@dataclass
class Gateway:
    """The gateway under test and the fakes behind it."""

    envoy: EnvoyProcess
    check: FakeCheck
    access: FakeAccessService
    query: FakeQueryService
    knowledge: FakeKnowledgeService
    conversations: FakeConversationService

    def reset(self) -> None:
        """Forget what the fakes have seen and been told."""
        self.check.reset()
        for calls in (
            self.access.calls,
            self.query.calls,
            self.knowledge.calls,
            self.conversations.calls,
        ):
            calls.reset()


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Start everything once."""
    access, query, knowledge = FakeAccessService(), FakeQueryService(), FakeKnowledgeService()
    check, credential = FakeCheck(), Secret(CREDENTIAL)
    check.start()
    servers = {
        "access": start_server(access.services(), credential=credential),
        "query": start_server(query.services(), credential=credential),
        "knowledge": start_server(
            knowledge.services(), credential=credential, max_message_bytes=20 * MEBIBYTE
        ),
    }
    addresses = {room: Address.parse(server.address) for room, server in servers.items()}
    conversations = FakeConversationService()
    bare_server, port = conversations.start()
    addresses["conversations"] = Address("127.0.0.1", port)
    envoy = start_envoy(check.address, addresses, tmp_path_factory.mktemp("gateway"), CREDENTIAL)
    yield Gateway(envoy, check, access, query, knowledge, conversations)
    envoy.stop()
    bare_server.stop(0)
    check.stop()
    for server in servers.values():
        server.stop(0)


@pytest.fixture
def check() -> Iterator[FakeCheck]:
    """A check for a gateway of a test's own."""
    server = FakeCheck()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def envoys(tmp_path: Path) -> Iterator[StartEnvoy]:
    """Starts gateways of a test's own, and ends them with the test, however it ends."""
    with ExitStack() as stack:

        def start(check: Address, services: dict[str, Address]) -> EnvoyProcess:
            envoy = start_envoy(check, services, tmp_path, CREDENTIAL)
            stack.callback(envoy.stop)
            return envoy

        yield start


@pytest.fixture
def gateway(running_gateway: Gateway) -> Gateway:
    """The gateway, its fakes as new."""
    running_gateway.reset()
    return running_gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    """A caller with a good key."""
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=gateway.envoy.public, headers=headers, timeout=30) as caller:
        yield caller


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx.Client]:
    """A caller without a key."""
    with httpx.Client(base_url=gateway.envoy.public, timeout=30) as caller:
        yield caller


@pytest.fixture
def operator(gateway: Gateway) -> Iterator[httpx.Client]:
    """The operator, on the loopback listener."""
    headers = {"authorization": f"Bearer {OPERATOR_TOKEN}"}
    with httpx.Client(base_url=gateway.envoy.operator, headers=headers, timeout=30) as caller:
        yield caller
