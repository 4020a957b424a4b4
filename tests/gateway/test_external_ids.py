"""External ids in paths: any printable text arrives as it was meant."""

import json
from urllib.parse import quote

import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.plain_request import send

PREFIX = "/v1/knowledge/documents/by-external-id/"

IDS = [
    "a",
    "help/refunds.md",
    "a//b",
    "/a",
    "a/",
    "/",
    "a/../b",
    "../a",
    "..",
    ".",
    "a/./b",
    "100%",
    "%2F",
    "a%2Fb",
    "what?",
    "a?b=c&d",
    "a#b",
    "a b",
    "a+b",
    "a:b",
    "doc:cancel",
    "é/日本語/🦊",
    "a;b=c",
    "a\\b",
    "{x}",
    '"quoted"',
    "~!@$^&*()_-=[]|'<>,.`",
    "by-external-id/a",
    "x" * 512,
]


def put(gateway: Gateway, escaped: str) -> tuple[int, str]:
    """Replace the document of an id that is written like this in the path."""
    return send(gateway.envoy, "PUT", PREFIX + escaped, b'{"title":"t"}')


def delete(gateway: Gateway, escaped: str) -> tuple[int, str]:
    """Delete it."""
    return send(gateway.envoy, "DELETE", PREFIX + escaped)


@pytest.mark.parametrize("external_id", IDS)
def test_fully_escaped(gateway: Gateway, external_id: str) -> None:
    """With everything escaped, slashes too, the id arrives; in PUT and in DELETE."""
    for call in (put, delete):
        status, text = call(gateway, quote(external_id, safe=""))
        assert status == 202, text
        assert gateway.knowledge.calls.last.request.external_id == external_id


@pytest.mark.parametrize("external_id", IDS)
def test_slashes_as_they_are(gateway: Gateway, external_id: str) -> None:
    """With slashes and dots as they are, the id arrives too."""
    status, text = put(gateway, quote(external_id, safe="/:@!$&'()*,;=~"))
    assert status == 202, text
    assert gateway.knowledge.calls.last.request.external_id == external_id
    assert json.loads(text)["external_id"] == external_id


def test_an_empty_id_is_no_route(gateway: Gateway) -> None:
    """Without an id the path leads nowhere."""
    assert put(gateway, "")[0] == 404


def test_the_query_string_is_not_part_of_the_id(gateway: Gateway) -> None:
    """A plain question mark ends the id."""
    assert delete(gateway, "a/b?")[0] == 202
    assert gateway.knowledge.calls.last.request.external_id == "a/b"
    assert delete(gateway, "a/b?c")[0] == 400
