"""Two search replicas of one system, asked directly: they go over to another generation as one."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1.vector_search_service_pb2_grpc import VectorSearchServiceStub

from services.runtime.health import is_serving
from tests.bench.knowledge.installation import wait
from tests.e2e.system import System

_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Seen:
    """An answer of a replica: from when to when it was asked, and from which generation it was."""

    begun: float
    ended: float
    generation: int


@dataclass(frozen=True)
class Together:
    """
    What both replicas answered while they went over to another generation.

    `late` are answers from the old one that were begun after any replica had answered from the new, `other`
    those from a third one.
    """

    answers: int
    failed: int
    late: int
    other: int


class TwoReplicas:
    """The system's own replica and another one beside it, from `with` to its end."""

    def __init__(self, system: System, folder: Path, workspace_id: str, questions: Sequence[str]) -> None:
        ports = {name: each["port"] for name, each in system.processes().items()}
        credential = (system.data / "internal.credential").read_text().strip()
        self._metadata = (("x-internal-credential", credential), ("x-workspace-id", workspace_id))
        self._questions = questions
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            second = f"127.0.0.1:{free.getsockname()[1]}"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SUPPORTAGENT_")},
            "VECTOR_SEARCH_LISTEN": second,
            "VECTOR_SEARCH_DATA_DIR": str(folder),
            "VECTOR_SEARCH_KNOWLEDGE_TARGET": f"127.0.0.1:{ports['knowledge']}",
            "SUPPORTAGENT_INTERNAL_CREDENTIAL": credential,
        }
        folder.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "second_replica.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.vector_search"], env=environment, stdout=log, stderr=log
            )
        addresses = (f"127.0.0.1:{ports['vector_search']}", second)
        self._channels = [grpc.insecure_channel(each) for each in addresses]
        self._seen: list[Seen] = []
        self._failed: list[str] = []
        self._stop = threading.Event()

    def __enter__(self) -> "TwoReplicas":
        """Wait until both serve."""
        for channel in self._channels:
            wait(lambda channel=channel: is_serving(channel, timeout=1))  # type: ignore[misc]
        return self

    def __exit__(self, *_: object) -> None:
        """End the second one."""
        for channel in self._channels:
            channel.close()
        self._process.terminate()
        self._process.wait()

    def begin(self) -> list[threading.Thread]:
        """Ask both, by words alone, until `end`."""
        self._seen, self._failed = [], []
        self._stop.clear()
        threads = [threading.Thread(target=self._ask, args=(each,), daemon=True) for each in self._channels]
        for each in threads:
            each.start()
        return threads

    def end(self, threads: Sequence[threading.Thread], before: int, after: int) -> Together:
        """Ask no more and return what was seen of one generation and the other."""
        self._stop.set()
        for each in threads:
            each.join()
        return together(self._seen, len(self._failed), before, after)

    def _ask(self, channel: grpc.Channel) -> None:
        stub = VectorSearchServiceStub(channel)
        number = 0
        while not self._stop.wait(_PAUSE_SECONDS):
            request = pb.SearchRequest(text=self._questions[number % len(self._questions)], limit=10)
            number += 1
            begun = time.perf_counter()
            try:
                answer = stub.Search(request, timeout=_TIMEOUT_SECONDS, metadata=self._metadata)
            except grpc.RpcError as error:
                self._failed.append(repr(error))
            else:
                self._seen.append(Seen(begun, time.perf_counter(), answer.generation))


def together(seen: Sequence[Seen], failed: int, before: int, after: int) -> Together:
    """Hold answers against each other: once one from the new generation is there, none is from the old."""
    over = min((each.ended for each in seen if each.generation == after), default=float("inf"))
    late = [each for each in seen if each.generation == before and each.begun > over]
    other = [each for each in seen if each.generation not in (before, after)]
    return Together(len(seen) + failed, failed, len(late), len(other))
