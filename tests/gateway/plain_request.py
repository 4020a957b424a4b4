"""A request sent as it is written: httpx would tidy up its path."""

import http.client

from tests.fakes.fake_check import KEY
from tests.gateway.envoy_process import EnvoyProcess


def send(envoy: EnvoyProcess, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Send it with a good key to the public listener, and return status and text."""
    connection = http.client.HTTPConnection("127.0.0.1", envoy.endpoints.public.port, timeout=20)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text
