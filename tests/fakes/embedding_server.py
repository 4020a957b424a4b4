"""
A server of OpenAI's embeddings protocol on the loopback, in a process of its own.

It is as strict as `FakeEmbeddingEndpoint`, whose answers it gives.
"""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.fakes.embedder import FakeEmbedder
from tests.fakes.embedding_endpoint import FakeEmbeddingEndpoint


class EmbeddingServer:
    """The process, from `with` to its end."""

    def __init__(self, model: str, dimensions: int) -> None:
        self.model = model
        self.dimensions = dimensions
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, model, str(dimensions)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()

    def __enter__(self) -> "EmbeddingServer":
        """Return the server, which is there already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()

    def settings(self, prefix: str = "EMBEDDING_") -> dict[str, str]:
        """Return the variables that have a process embed with it."""
        given = {
            "PROVIDER": "openai",
            "BASE_URL": self.base_url,
            "MODEL": self.model,
            "DIMENSIONS": str(self.dimensions),
        }
        return {f"{prefix}{name}": value for name, value in given.items()}


def main() -> None:
    """Say where it is, and answer until ended."""
    model, dimensions = sys.argv[1], int(sys.argv[2])
    endpoint = FakeEmbeddingEndpoint(FakeEmbedder(model=model, dimensions=dimensions, max_tokens=512))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = httpx.Request("POST", f"http://loopback{self.path}", content=body)
            answer = endpoint.handle_request(request)
            endpoint.requests.clear()
            self.send_response(answer.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
