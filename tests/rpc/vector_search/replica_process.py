"""The vector search process as it is started, following a fake knowledge service."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1.vector_search_service_pb2_grpc import VectorSearchServiceStub

from services.kernel.ids import WorkspaceId
from services.runtime.health import is_serving
from services.runtime.server import RunningServer, start_server
from services.runtime.settings import Secret
from tests.fakes.change_feed import FakeChangeFeed, FakeChangeFeedServicer, service

CREDENTIAL = "internal-credential"
PATIENCE_SECONDS = 30.0


def calls_as(workspace_id: WorkspaceId) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call in the name of a workspace."""
    return (("x-internal-credential", CREDENTIAL), ("x-workspace-id", workspace_id))


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after half a minute."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.05)


@dataclass
class ReplicaProcess:
    """A process that can be killed and started again over its folder."""

    feed: FakeChangeFeed
    folder: Path
    # Settings besides those that every one has.
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.servicer = FakeChangeFeedServicer(self.feed)
        self.knowledge: RunningServer = start_server(
            [service(self.servicer)], credential=Secret(CREDENTIAL), max_message_bytes=64 << 20
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.channel = grpc.insecure_channel(
            self.address,
            [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)],
        )
        self.stub = VectorSearchServiceStub(self.channel)
        self.start()

    def start(self) -> None:
        """Start the process."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VECTOR_SEARCH_")},
            "VECTOR_SEARCH_LISTEN": self.address,
            "VECTOR_SEARCH_DATA_DIR": str(self.folder),
            "VECTOR_SEARCH_KNOWLEDGE_TARGET": self.knowledge.address,
            "VECTOR_SEARCH_EXACT_BELOW": "50",
            **self.settings,
            "SUPPORTAGENT_INTERNAL_CREDENTIAL": CREDENTIAL,
        }
        with (self.folder.parent / "replica.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.vector_search"], env=environment, stderr=log
            )

    def kill(self) -> None:
        """End the process without warning."""
        self.process.kill()
        self.process.wait()

    def serving(self) -> bool:
        """Return whether the process says that it can serve."""
        return is_serving(self.channel, timeout=1)

    def search(self, workspace_id: WorkspaceId, request: pb.SearchRequest) -> pb.SearchResponse:
        """Search as a workspace."""
        return self.stub.Search(request, timeout=10, metadata=calls_as(workspace_id))

    def stop(self) -> int:
        """End the process in order and return its exit code."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        self.channel.close()
        self.knowledge.stop()
        return code
