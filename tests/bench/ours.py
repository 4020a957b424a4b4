"""The vector search service as it is started, fed by a feed made for volume."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
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
from tests.bench import load
from tests.bench.data import DIMENSIONS, FOLDER, ROOT, Data, Ids, K, Matrix
from tests.bench.feed import WORKSPACE, BenchFeed, service
from tests.bench.load import Bodies, Target

_CREDENTIAL = "internal-credential"
_METADATA = (("x-internal-credential", _CREDENTIAL), ("x-workspace-id", WORKSPACE))
_METHOD = "/supportagent.vector_search.v1.VectorSearchService/"
_WRITE = 100
_PATIENCE_SECONDS = 3600.0
HAS_PROCESSES = any(each.name == "processes" for each in fields(VectorSearchSettings))
# Without load, until then, two looks at the speed that differ by no more mean that merging has ended.
_SETTLED = 0.15
_LOOKS = 3


class Ours:
    """One replica over a folder, filled from the feed; can be stopped and started with other settings."""

    def __init__(self, data: Data, name: str = "ours") -> None:
        self.data = data
        self.feed = BenchFeed(data)
        self._knowledge = start_server(
            [service(self.feed)], credential=Secret(_CREDENTIAL), max_message_bytes=64 << 20
        )
        self._folder = FOLDER / name
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.Channel | None = None

    def fill(self) -> float:
        """Write all points and wait until they are searchable; return points per second."""
        self.start()
        began = time.monotonic()
        for start in range(0, self.data.size, _WRITE):
            points = np.arange(start, min(start + _WRITE, self.data.size))
            self.feed.write(points, self.data.vectors[points])
        self.await_level()
        return self.data.size / (time.monotonic() - began)

    def write(self, points: Ids, vectors: Matrix) -> None:
        """Put passages in one revision."""
        self.feed.write(points, vectors)

    def start(self, *, ef: int | None = None, processes: int = 1) -> float:
        """Start the service, wait until it serves and return how many seconds that took."""
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
        if processes > 1:
            environment["VECTOR_SEARCH_PROCESSES"] = str(processes)
        began = time.monotonic()
        with (FOLDER / "ours.log").open("wb") as log:
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
        self._wait(lambda: is_serving(self._open(), 1.0), 0.02)
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
        self._knowledge.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def await_level(self) -> None:
        """Wait until everything written can be found."""
        self._wait(lambda: self.status().revision >= self.feed.head, 0.1)

    def await_settled(self) -> None:
        """Wait until the graph has taken in all points: until the speed of a single caller stands still."""
        bodies, looks = self.questions(), [float("inf")]

        def stands() -> bool:
            looks.append(load.run(self.target(), bodies, connections=1, seconds=0.5).p50_ms)
            last = looks[-_LOOKS:]
            return len(looks) > _LOOKS and max(last) <= min(last) * (1 + _SETTLED)

        if self.data.size >= VectorSearchSettings.exact_below:
            self._wait(lambda: self.status().dense_index == "hnsw", 0.5)
        self._wait(stands, 2.0)

    def status(self) -> pb.GetIndexStatusResponse:
        """Return the index's state."""
        stub = rpc.VectorSearchServiceStub(self._open())
        return stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=120, metadata=_METADATA)

    def search(self, request: pb.SearchRequest) -> pb.SearchResponse:
        """Ask one question."""
        stub = rpc.VectorSearchServiceStub(self._open())
        return stub.Search(request, timeout=120, metadata=_METADATA)

    @property
    def memory_bytes(self) -> int:
        """Memory of the process and its children that nobody else has (PSS where shared)."""
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        return sum(int(each.memory_full_info().pss) for each in (process, *process.children(recursive=True)))

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
        return Bodies(f"ours-{'hybrid' if text else 'dense'}-{tag or 'all'}", messages, framed=True)

    def batches(self, size: int) -> Bodies:
        """Return the questions in requests of `size`, 1,000 distinct ones in all."""
        questions = [pb.SearchRequest(vector=_raw(each), limit=K) for each in self.data.questions]
        starts = range(0, len(questions) - size + 1, size)
        messages = [
            pb.BatchSearchRequest(requests=questions[start : start + size]).SerializeToString()
            for start in starts
        ]
        return Bodies("ours-batch", messages, framed=True)

    def _open(self) -> grpc.Channel:
        assert self._channel is not None
        return self._channel

    def _wait(self, holds: Callable[[], bool], pause: float) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"vector search did not come up: see {Path('build/bench/ours.log')}")
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
