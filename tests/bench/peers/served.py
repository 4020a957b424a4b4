"""
Runs one vector database as a server: `python -m tests.bench.peers.served NAME POINTS QUESTIONS FOLDER`.

POINTS and QUESTIONS are .npy files of unit vectors; FOLDER is the peer's own. Reads a JSON command per line,
answers with one line: build → {"seconds"}; ef → {"protocol", "address", "path"} of where to send questions,
which are then in FOLDER/questions as the load generator takes them; found → {"ids"}.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

_M, _EF_CONSTRUCTION, _K = 16, 200, 10
_NAME = "points"
_BATCH = 2000
# Questions that are asked in one call where only the answers matter.
_TOGETHER = 100
_PATIENCE_SECONDS = 60.0
# Nothing is built any more where a server took less of a processor than this for so long.
_IDLE_SHARE = 0.25
_IDLE_SECONDS = 2.2
_LOOK_SECONDS = 0.2


class Server(Protocol):
    """A database with one collection of rows 0, 1, … by inner product."""

    protocol: str
    path: str
    process: "subprocess.Popen[bytes]"

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""

    def message(self, question: Matrix) -> bytes:
        """Return the request of a search for the ten nearest, ids and scores only."""

    def search(self, questions: Matrix) -> list[list[int]]:
        """Return the nearest rows of each question."""


class Chroma:
    """Its own server program."""

    protocol = "http"

    def __init__(self, port: int, folder: Path) -> None:
        self._folder, self._port = folder, port
        self.path = ""
        self._open()

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""
        shape = {"space": "ip", "ef_construction": _EF_CONSTRUCTION, "max_neighbors": _M}
        self._collection = self._client.create_collection(_NAME, configuration={"hnsw": shape})
        for start in range(0, len(vectors), _BATCH):
            part = vectors[start : start + _BATCH]
            self._collection.add(ids=[str(start + n) for n in range(len(part))], embeddings=part)
        collections = "/api/v2/tenants/default_tenant/databases/default_database/collections"
        self.path = f"{collections}/{self._collection.id}/query"

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search; an index in memory keeps the one it was loaded with."""
        self._collection.modify(configuration={"hnsw": {"ef_search": ef}})
        self.process.terminate()
        self.process.wait(30)
        self._open()
        self._collection = self._client.get_collection(_NAME)

    def message(self, question: Matrix) -> bytes:
        """Return the request of a search."""
        body = {"query_embeddings": [question.tolist()], "n_results": _K, "include": ["distances"]}
        return json.dumps(body).encode()

    def search(self, questions: Matrix) -> list[list[int]]:
        """Return the nearest rows of each question."""
        found = self._collection.query(query_embeddings=list(questions), n_results=_K, include=["distances"])
        return [[int(each) for each in row] for row in found["ids"]]

    def _open(self) -> None:
        program = Path(sys.executable).with_name("chroma")
        listen = ["--host", "127.0.0.1", "--port", str(self._port)]
        command = [str(program), "run", "--path", str(self._folder / "data"), *listen]
        self.process = _start(command, self._folder, self._port)
        self._client = import_module("chromadb").HttpClient("127.0.0.1", self._port)


class Milvus:
    """Milvus Lite with an HNSW index, which is also what it chooses by itself."""

    protocol = "grpc"
    path = "/milvus.proto.milvus.MilvusService/Search"

    def __init__(self, port: int, folder: Path) -> None:
        program = str(Path(sys.executable).with_name("milvus-lite"))
        listen = ["--host", "127.0.0.1", "--port", str(port), "--max-workers", "16"]
        self.process = _start([program, "server", "--data-dir", str(folder / "data"), *listen], folder, port)
        self._client = import_module("pymilvus").MilvusClient(uri=f"http://127.0.0.1:{port}")
        self._prepare = import_module("pymilvus.client.prepare").Prepare
        self._search: dict[str, Any] = {}

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""
        shape = {"M": _M, "efConstruction": _EF_CONSTRUCTION}
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="HNSW", metric_type="IP", params=shape)
        self._client.create_collection(
            _NAME, dimension=vectors.shape[1], metric_type="IP", auto_id=False, index_params=index
        )
        for start in range(0, len(vectors), _BATCH):
            part = vectors[start : start + _BATCH]
            rows = [{"id": start + n, "vector": each.tolist()} for n, each in enumerate(part)]
            self._client.insert(_NAME, rows)
        self._client.flush(_NAME)
        self._client.load_collection(_NAME)

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""
        self._search = {"metric_type": "IP", "params": {"ef": ef}}

    def message(self, question: Matrix) -> bytes:
        """Return the request of a search."""
        request = self._prepare.search_requests_with_expr(
            collection_name=_NAME, data=[question.tolist()], anns_field="vector", param=self._search, limit=_K
        )
        return bytes(request.SerializeToString())

    def search(self, questions: Matrix) -> list[list[int]]:
        """Return the nearest rows of each question."""
        found = self._client.search(_NAME, data=questions.tolist(), limit=_K, search_params=self._search)
        return [[int(each["id"]) for each in row] for row in found]


_SERVERS: dict[str, Callable[[int, Path], Any]] = {"chroma": Chroma, "milvus-lite": Milvus}


def main() -> None:
    """Obey until the end of the input."""
    name, points, queries, place = sys.argv[1:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    folder = Path(place)
    server = _SERVERS[name](port, folder)
    try:
        questions = np.load(Path(queries))
        for line in sys.stdin:
            command = json.loads(line)
            print(json.dumps(_obey(command, server, points, questions, port, folder)), flush=True)
    finally:
        server.process.terminate()
        server.process.wait(30)


def _obey(
    command: dict[str, Any], server: Server, points: str, questions: Matrix, port: int, folder: Path
) -> dict[str, Any]:
    match command["do"]:
        case "build":
            vectors = np.load(Path(points))
            began = time.monotonic()
            server.build(vectors)
            # Milvus Lite builds its index after the call has ended.
            return {"seconds": _idle_since(server.process.pid) - began}
        case "ef":
            server.set_ef(command["ef"])
            with (folder / "questions").open("wb") as file:
                for question in questions:
                    message = server.message(question)
                    frame = struct.pack(">BI", 0, len(message)) if server.protocol == "grpc" else b""
                    file.write(struct.pack("<I", len(frame) + len(message)) + frame + message)
            return {"protocol": server.protocol, "address": f"127.0.0.1:{port}", "path": server.path}
        case "found":
            starts = range(0, len(questions), _TOGETHER)
            parts = [server.search(questions[start : start + _TOGETHER]) for start in starts]
            return {"ids": [row for part in parts for row in part]}
    raise ValueError(command)


def _idle_since(process: int) -> float:
    """Wait until a process does nothing by itself; return since when, by the monotonic clock."""
    last, worked = time.monotonic(), _worked_seconds(process)
    since = last
    while last - since < _IDLE_SECONDS:
        time.sleep(_LOOK_SECONDS)
        now, present = time.monotonic(), _worked_seconds(process)
        if present - worked > _IDLE_SHARE * (now - last):
            since = now
        last, worked = now, present
    return since


def _worked_seconds(process: int) -> float:
    # After the program's name, which may hold anything: fields 14 and 15 of the whole line.
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _start(command: Sequence[str], folder: Path, port: int) -> "subprocess.Popen[bytes]":
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{command[0]} did not start: see {folder / 'log'}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
