"""What Envoy writes down of a request."""

import json
import time

import httpx

from tests.fakes.fake_check import KEY
from tests.gateway.conftest import Gateway


def test_a_key_in_the_wrong_place_is_not_logged(client: httpx.Client, gateway: Gateway) -> None:
    """A key that was put into the path or the query string stays out of the log; the rest is there."""
    answer = client.get(f"/v1/knowledge/documents/{KEY}?key={KEY}")
    wanted = answer.headers["x-request-id"]
    lines = _lines_of(gateway, wanted)
    assert [line["path"] for line in lines] == ["/v1/knowledge/documents/(key)"]
    assert KEY not in gateway.envoy.log.read_text()


def _lines_of(gateway: Gateway, request_id: str) -> list[dict[str, str]]:
    """Envoy writes its log some moments after the answer."""
    for _ in range(300):
        lines = [line for line in gateway.envoy.log.read_text().splitlines() if request_id in line]
        if lines:
            return [json.loads(line) for line in lines]
        time.sleep(0.05)
    return []
