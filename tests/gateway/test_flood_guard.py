"""The limit per address that stands before everything else."""

import json
import re
import socket
from contextlib import ExitStack

from gateway.envoy.generate import Address
from tests.gateway.conftest import ROOMS, StartEnvoy
from tests.gateway.problem_body import KEYS

CONNECTIONS = 100
ROUNDS = 120
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


def test_a_flood_from_one_address(envoys: StartEnvoy) -> None:
    """At least 2,000 requests at once pass; of a flood the rest is 429, in the same shape as any other."""
    nowhere = Address("127.0.0.1", 1)
    envoy = envoys(nowhere, dict.fromkeys(ROOMS, nowhere))
    answers = _flood(envoy.endpoints.public.port)
    passed = answers.count(b"HTTP/1.1 200")
    refused = answers.count(b"HTTP/1.1 429")
    assert passed + refused == CONNECTIONS * ROUNDS
    assert passed >= 2_000
    assert refused > 0
    one = answers[answers.index(b"HTTP/1.1 429") :]
    head, _, rest = one.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    body = json.loads(rest[: int(length[1])])
    assert b"retry-after: 1" in head
    assert b"content-type: application/problem+json" in head
    assert (sorted(body), body["code"]) == (sorted(KEYS), "RATE_LIMITED")
    assert b"x-request-id: " + body["request_id"].encode() in head


def _flood(port: int) -> bytes:
    """Send requests over many connections, each the next one as soon as all have answered."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(CONNECTIONS)
        ]
        received = bytearray()
        for _ in range(ROUNDS):
            for each in sockets:
                each.sendall(REQUEST)
            for each in sockets:
                received += each.recv(65_536)
        return bytes(received)
