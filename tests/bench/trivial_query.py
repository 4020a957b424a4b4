"""
A query service that answers at once: `python -m tests.bench.trivial_query ADDRESS`.

gRPC's server for Python with one RPC and none of our interceptors: what is measured around it is the gateway.
"""

import signal
import sys
import threading

import grpc
from supportagent.query.v1 import query_service_pb2 as pb

from services.runtime.serving_threads import ServingThreads

SERVICE = "supportagent.query.v1.QueryService"
_THREADS = 4


def main() -> None:
    """Serve until told to stop; a line says that it does."""
    (address,) = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Of an executor it uses `submit` alone.
    server = grpc.server(ServingThreads(_THREADS))  # type: ignore[arg-type]
    answer = pb.QueryResponse(answer="At once.", answered=True, answerer="none")

    def query(request: pb.QueryRequest, context: grpc.ServicerContext) -> pb.QueryResponse:
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        query, pb.QueryRequest.FromString, pb.QueryResponse.SerializeToString
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Query": handler})])
    server.add_insecure_port(address)
    server.start()
    print("serving", flush=True)
    stop.wait()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
