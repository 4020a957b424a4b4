"""A service that fails on the level of TCP and HTTP/2: it hangs, or its process dies."""

import socket
import struct
import threading
from enum import Enum, auto

from gateway.envoy.generate import Address

_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
_GRPC = b"application/grpc"
_HEADER_BLOCK = b"\x88" + b"\x0f\x10" + bytes([len(_GRPC)]) + _GRPC
_HEADERS = len(_HEADER_BLOCK).to_bytes(3, "big") + b"\x01\x04" + (1).to_bytes(4, "big") + _HEADER_BLOCK


class Failure(Enum):
    """How it fails."""

    HANG = auto()
    DIE = auto()
    DIE_AFTER_HEADERS = auto()


class FailingUpstream:
    """Listens, takes each connection's request and fails."""

    def __init__(self, failure: Failure) -> None:
        self._failure = failure
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.address = Address("127.0.0.1", self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening and drop all connections."""
        self._listening.close()
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._fail, args=(connection,), daemon=True).start()

    def _fail(self, connection: socket.socket) -> None:
        connection.sendall(_SETTINGS)
        received = b""
        while b"/supportagent." not in received and len(received) < 300:
            piece = connection.recv(65_536)
            if not piece:
                return
            received += piece
        if self._failure is Failure.HANG:
            self._open.append(connection)
            return
        if self._failure is Failure.DIE_AFTER_HEADERS:
            connection.sendall(_HEADERS)
        # As when a process is killed: a reset, no farewell.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
