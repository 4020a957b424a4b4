"""The vector search service as it is started, fed by a feed made for volume."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import psutil
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb
from supportagent.vector_search.v1 import vector_search_service_pb2_grpc as rpc

from services.runtime.health import is_serving
from services.runtime.server import start_server
from services.runtime.settings import Secret
from services.vector_search.settings import VectorSearchSettings
from tests.bench.data import DIMENSIONS, FOLDER, ROOT, Data, Ids, K, Matrix
from tests.bench.feed import WORKSPACE, BenchFeed, service
from tests.bench.load import Bodies, Target

_CREDENTIAL = "internal-credential"
_METADATA = (("x-internal-credential", _CREDENTIAL), ("x-workspace-id", WORKSPACE))
_METHOD = "/supportagent.vector_search.v1.VectorSearchService/"
_WRITE = 100
_PATIENCE_SECONDS = 3600.0
# Nothing is built or merged where the processes took less of a processor than this for so long; the service
# looks for work once a second.
_IDLE_SHARE = 0.25
_IDLE_SECONDS = 2.2
# More for many: while a large graph goes to the disk, its process only waits.
_IDLE_SECONDS_PER_POINT = 5e-6
_LOOK_SECONDS = 0.1
# What belongs to a replica alone, not to a copy of its files.
_IDENTITY = ("replica_id", "lock", "process-*")


@dataclass(frozen=True)
class Memory:
    """
    What processes hold in memory, in bytes.

    `whole` is their PSS: a page that several share counts in parts. `anonymous` is the part that no file
    backs; the rest is the page cache's, which the kernel may take back.
    """

    whole: int
    anonymous: int


class ServedFeed:
    """A feed on a port, which several installations may follow."""

    def __init__(self, data: Data) -> None:
        self.feed = BenchFeed(data)
        self._server = start_server(
            [service(self.feed)], credential=Secret(_CREDENTIAL), max_message_bytes=64 << 20
        )
        self.address = self._server.address

    def stop(self) -> None:
        """Answer no longer."""
        self._server.stop()


class Ours:
    """One installation over a folder, filled from the feed; can be started again with other settings."""

    def __init__(self, data: Data, name: str = "ours", *, follows: ServedFeed | None = None) -> None:
        """`follows`: the feed of another one; else it gets one of its own."""
        self.data = data
        self._knowledge = follows or ServedFeed(data)
        self._owns_feed = follows is None
        self.feed = self._knowledge.feed
        # How long the last start took until health said that it serves.
        self.serving_seconds = 0.0
        self._folder = FOLDER / name
        self._log = FOLDER / f"{name}.log"
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.Channel | None = None

    def fill(self) -> float:
        """Write all points and wait until they are searchable; return points per second."""
        if self._process is None:
            self.start()
        began = time.monotonic()
        for start in range(0, self.data.size, _WRITE):
            points = np.arange(start, min(start + _WRITE, self.data.size))
            self.feed.write(points, self.data.vectors[start : start + _WRITE])
        self.await_level()
        return self.data.size / (time.monotonic() - began)

    def write(self, points: Ids, vectors: Matrix) -> None:
        """Put passages in one revision."""
        self.feed.write(points, vectors)

    def twin(self, name: str, processes: int = 1) -> "Ours":
        """Return another installation on the same feed; this one, stopped, gives each process its files."""
        assert self._process is None
        twin = Ours(self.data, name, follows=self._knowledge)
        for number in range(processes):
            place = twin._folder / f"process-{number}" if number else twin._folder
            unwanted = shutil.ignore_patterns(*_IDENTITY)
            shutil.copytree(self._folder, place, ignore=unwanted, dirs_exist_ok=True)
        return twin

    def start(
        self, *, ef: int | None = None, processes: int = 1, target_recall: float | None = None
    ) -> float:
        """
        Start the service, wait for its first answer and return how many seconds that took.

        `ef` fixes the effort; else the service chooses one for `target_recall`, or for its default.
        """
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("VECTOR_SEARCH_")},
            "VECTOR_SEARCH_LISTEN": self.address,
            "VECTOR_SEARCH_DATA_DIR": str(self._folder),
            "VECTOR_SEARCH_KNOWLEDGE_TARGET": self._knowledge.address,
            "VECTOR_SEARCH_MEMORY_MB": "16384",
            "SUPPORTAGENT_INTERNAL_CREDENTIAL": _CREDENTIAL,
            "SUPPORTAGENT_LOG_LEVEL": os.environ.get("BENCH_LOG_LEVEL", "info"),
        }
        if ef is not None:
            environment["VECTOR_SEARCH_HNSW_EF"] = str(ef)
        if target_recall is not None:
            environment["VECTOR_SEARCH_TARGET_RECALL"] = str(target_recall)
        if processes > 1:
            environment["VECTOR_SEARCH_PROCESSES"] = str(processes)
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.vector_search"],
                cwd=ROOT,
                env=environment,
                stderr=log,
                stdout=log,
            )
        self._channel = grpc.insecure_channel(
            self.address,
            [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 50)],
        )
        self._wait(lambda: is_serving(self._open(), 1.0), 0.01)
        self.serving_seconds = time.monotonic() - began
        # Collections are loaded at the first question.
        if self.feed.head:
            self.search(pb.SearchRequest(vector=_raw(self.data.questions[0]), limit=K))
        return time.monotonic() - began

    def stop(self) -> None:
        """Stop the service; what is worth it is written to disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(300)
            self._process = None
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def close(self) -> None:
        """Stop everything and delete the files."""
        self.stop()
        if self._owns_feed:
            self._knowledge.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def await_level(self) -> None:
        """Wait until everything written can be found."""
        self._wait(lambda: self.status().revision >= self.feed.head, 0.1)

    def await_settled(self) -> float:
        """Wait until the graph has taken in all points; return the moment it had, by the monotonic clock."""
        if self.data.size >= VectorSearchSettings.exact_below:
            self._wait(lambda: self.status().dense_index == "hnsw", 0.2)
        return self.await_idle()

    def await_idle(self) -> float:
        """Wait until it does nothing by itself; return since when, by the monotonic clock."""
        last, worked = time.monotonic(), self._worked_seconds()
        since = last
        enough = _IDLE_SECONDS + self.data.size * _IDLE_SECONDS_PER_POINT

        def idle() -> bool:
            nonlocal last, worked, since
            now, present = time.monotonic(), self._worked_seconds()
            if present - worked > _IDLE_SHARE * (now - last):
                since = now
            last, worked = now, present
            return now - since >= enough

        self._wait(idle, _LOOK_SECONDS)
        return since

    def status(self) -> pb.GetIndexStatusResponse:
        """Return the index's state."""
        stub = rpc.VectorSearchServiceStub(self._open())
        return stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=120, metadata=_METADATA)

    def search(self, request: pb.SearchRequest) -> pb.SearchResponse:
        """Ask one question."""
        stub = rpc.VectorSearchServiceStub(self._open())
        return stub.Search(request, timeout=120, metadata=_METADATA)

    @property
    def memory(self) -> Memory:
        """What all its processes hold."""
        parts = [_memory_of(each.pid) for each in self._processes()]
        return Memory(sum(each.whole for each in parts), sum(each.anonymous for each in parts))

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def target(self, method: str = "Search") -> Target:
        """Return where the load generator sends questions."""
        return Target("grpc", self.address, _METHOD + method, tuple(f"{k}: {v}" for k, v in _METADATA))

    def questions(self, *, text: bool = False, tag: str = "") -> Bodies:
        """Return the questions as requests: by meaning, with `text` by words too, within a tag."""
        wanted = pb.Filter(any_tags=[tag]) if tag else None
        messages = [
            pb.SearchRequest(
                vector=_raw(vector), text=words if text else "", limit=K, filter=wanted
            ).SerializeToString()
            for vector, words in zip(self.data.questions, self.data.words, strict=True)
        ]
        kind = "hybrid" if text else "dense"
        return Bodies(f"{self._folder.name}-{kind}-{tag or 'all'}", messages, framed=True)

    def batches(self, size: int) -> Bodies:
        """Return the questions in full requests of `size`; those that are left over are not asked."""
        questions = [pb.SearchRequest(vector=_raw(each), limit=K) for each in self.data.questions]
        starts = range(0, len(questions) - size + 1, size)
        messages = [
            pb.BatchSearchRequest(requests=questions[start : start + size]).SerializeToString()
            for start in starts
        ]
        return Bodies(f"{self._folder.name}-batches", messages, framed=True)

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def _worked_seconds(self) -> float:
        """Return the processor time that it took so far."""
        return sum(each.cpu_times().user + each.cpu_times().system for each in self._processes())

    def _open(self) -> grpc.Channel:
        assert self._channel is not None
        return self._channel

    def _wait(self, holds: Callable[[], bool], pause: float) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"vector search does not do what is waited for: see {self._log}")
            time.sleep(pause)


def found(answers: Sequence[bytes]) -> list[list[int]]:
    """Return the points in the answers to single searches."""
    return [_points(pb.SearchResponse.FromString(each)) for each in answers]


def found_in_batches(answers: Sequence[bytes]) -> list[list[int]]:
    """Return the points in the answers to batches."""
    return [
        _points(each) for answer in answers for each in pb.BatchSearchResponse.FromString(answer).responses
    ]


def _points(response: pb.SearchResponse) -> list[int]:
    return [int(hit.chunk_id) for hit in response.hits]


def _raw(vector: Matrix) -> bytes:
    assert vector.shape == (DIMENSIONS,)
    return vector.astype("<f4").tobytes()


def _memory_of(process: int) -> Memory:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    return Memory(kilobytes["Pss:"] << 10, kilobytes["Pss_Anon:"] << 10)
