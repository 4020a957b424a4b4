"""
What a gRPC server in Python can do here at all: `python -m tests.bench.ceiling ADDRESS REPLY`.

The same kind of server, with as many threads of the same kind as our service has by default. It reads the
request and answers at once with the message in the file REPLY: no search, none of the service's interceptors.
"""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
from supportagent.vector_search.v1 import vector_search_service_pb2 as pb

from services.runtime.serving_threads import ServingThreads
from services.vector_search.settings import VectorSearchSettings
from tests.bench import load
from tests.bench.data import FOLDER, ROOT
from tests.bench.engine import Speed
from tests.bench.load import Bodies, Target
from tests.bench.peers.process import speed
from tests.bench.replica import CALLERS

_SERVICE = "supportagent.vector_search.v1.VectorSearchService"
_PATIENCE_SECONDS = 30.0


class Ceiling:
    """Some processes on one port that answer at once."""

    def __init__(self, answer: bytes, questions: Bodies, processes: int) -> None:
        self.processes = processes
        self.name = f"ceiling {processes}p"
        self._questions = questions
        reply = FOLDER / "ceiling.reply"
        reply.write_bytes(answer)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self._target = Target("grpc", address, f"/{_SERVICE}/Search")
        command = [sys.executable, "-m", "tests.bench.ceiling", address, str(reply)]
        self._running = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(processes)
        ]
        for each in self._running:
            assert each.stdout is not None
            if not each.stdout.readline():
                self.close()
                raise RuntimeError("the server that answers at once did not start")

    def single(self, seconds: float) -> Speed:
        """One caller."""
        return self._run(1, seconds)

    def callers(self, seconds: float) -> Speed:
        """16 callers."""
        return self._run(CALLERS, seconds)

    def close(self) -> None:
        """Stop the processes."""
        for each in self._running:
            each.terminate()
        for each in self._running:
            each.wait(_PATIENCE_SECONDS)

    def _run(self, connections: int, seconds: float) -> Speed:
        return speed(load.run(self._target, self._questions, connections=connections, seconds=seconds))


def main() -> None:
    """Serve until told to stop; a line says that it does."""
    address, reply = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    workers = VectorSearchSettings.workers
    options = [("grpc.so_reuseport", 1)]
    # Of an executor it uses `submit` alone.
    server = grpc.server(ServingThreads(workers), options=options)  # type: ignore[arg-type]
    answer = pb.SearchResponse.FromString(Path(reply).read_bytes())

    def search(request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        search, pb.SearchRequest.FromString, pb.SearchResponse.SerializeToString
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, {"Search": handler})])
    server.add_insecure_port(address)
    server.start()
    print("serving", flush=True)
    while not stop.is_set():
        time.sleep(0.1)
    server.stop(0).wait()


if __name__ == "__main__":
    main()
