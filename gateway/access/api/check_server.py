"""The HTTP server that Envoy asks, in a thread of its own beside gRPC's."""

import asyncio
import socket
import threading

import uvloop

from gateway.access.api.check_connection import CheckConnection
from gateway.access.api.check_handler import CheckHandler

_BACKLOG = 2048
_LOOK_SECONDS = 0.01


class CheckServer:
    """
    Serves a check over HTTP/1.1.

    Connections stay open until Envoy closes them: were they closed here first, a question that is on its way
    would be lost.
    """

    def __init__(self, handler: CheckHandler, listen: str, *, drain_seconds: float = 10.0) -> None:
        """`listen`: `host:port`, port 0 takes a free one. Raises OSError when the address is taken."""
        self._handler = handler
        self._drain_seconds = drain_seconds
        host, _, port = listen.rpartition(":")
        host = host.strip("[]")
        self._socket = socket.create_server(
            (host, int(port)),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=_BACKLOG,
        )
        self.address = f"{listen.rpartition(':')[0]}:{self._socket.getsockname()[1]}"
        self._loop = uvloop.new_event_loop()
        self._serving, self._stopping = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="check-server", daemon=True)

    def start(self) -> None:
        """Begin; return when questions are answered."""
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """Answer what was asked, end; once more does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._handler.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        connections: set[CheckConnection] = set()
        server = await asyncio.get_running_loop().create_server(
            lambda: CheckConnection(self._handler, connections), sock=self._socket
        )
        self._serving.set()
        await self._stopping.wait()
        server.close()
        for each in tuple(connections):
            each.finish()
        try:
            async with asyncio.timeout(self._drain_seconds):
                while connections:
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            for each in tuple(connections):
                each.abort()
