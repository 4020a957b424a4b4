"""The knowledge server over real gRPC, its indexer within reach."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.knowledge.api.services import MAX_MESSAGE_BYTES, knowledge_services
from services.runtime.server import start_server
from services.runtime.settings import Secret
from tests.contracts.knowledge.workshop import WORKSPACE, Workshop

CREDENTIAL = "credential"


@dataclass
class Client:
    """Calls methods as the gateway does: with headers of a workspace's key."""

    channel: grpc.Channel
    workspace_id: str = WORKSPACE

    def call(self, method: Any, request: Any, **headers: str) -> tuple[Any, dict[str, str]]:
        """Return the answer and the headers that came with it."""
        metadata = {
            "x-internal-credential": CREDENTIAL,
            "x-workspace-id": self.workspace_id,
            "x-key-id": "key_1",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        answer, call = method.with_call(request, metadata=tuple(metadata.items()), timeout=10)
        return answer, {key: str(value) for key, value in call.initial_metadata()}


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An installation on SQLite."""
    made = Workshop(f"sqlite:///{tmp_path / 'knowledge.db'}")
    yield made
    made.store.close()


@pytest.fixture
def client(workshop: Workshop) -> Iterator[Client]:
    """A client of a started server."""
    server = start_server(
        knowledge_services(
            workshop.write,
            workshop.read,
            workshop.operations,
            workshop.follow,
            workshop.reindexing,
        ),
        credential=Secret(CREDENTIAL),
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    with grpc.insecure_channel(server.address, options) as channel:
        yield Client(channel)
    server.stop()
