"""A host of key sets over HTTPS, with an authority of its own, that misbehaves as it is told."""

import datetime
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "keys.example"

Talk = Callable[[ssl.SSLSocket, bytes], None]


class KeySetHost:
    """
    A server on the loopback interface whose certificate is for `keys.example`.

    `talk` gets the connection and the head of each request; `heads` are those that came in.
    """

    def __init__(self, talk: Talk) -> None:
        self.heads: list[str] = []
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(_chain())
        self.url = f"https://{NAME}:{self._listener.getsockname()[1]}/jwks.json?v=1"

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client trusts who trusts this host's authority alone."""
        return ssl.create_default_context(cafile=str(_chain()))

    def resolve(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        """Return the host's address for its name."""
        return [ip_address("127.0.0.1")] if host == NAME else []

    def __enter__(self) -> "KeySetHost":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.recv(4096)
            self.heads.append(head.decode())
            self._talk(stream, head)


def says(status: str, body: bytes, *headers: str) -> Talk:
    """Return a talk of one answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda stream, _: stream.sendall("\r\n".join(lines).encode() + body)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


@cache
def _chain() -> Path:
    """Return a file with a key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = Path(_folder().name) / "chain.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file
