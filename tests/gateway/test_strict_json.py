"""What bodies the gateway takes: JSON as its grammar has it, with the fields of the route and their types."""

import json
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import MEBIBYTE, Gateway
from tests.gateway.problem_body import assert_problem, pointers

JSON = {"content-type": "application/json"}
QUERY = ("POST", "/v1/query")
PATCH = ("PATCH", "/v1/knowledge/documents/doc_1")
PUT = ("PUT", "/v1/knowledge/documents/by-external-id/a")
BATCH = ("POST", "/v1/knowledge/documents/batch")


@pytest.mark.parametrize("route", [QUERY, PATCH, PUT])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   \n",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{'title': 'x'}",
        b'{"title": "x",}',
        b'{"title" "x"}',
        b'{"title": "x"} {}',
        b'{"title": "x"',
        b'{"title": tru}',
        b'{"title": True}',
        b'{"title": NaN}',
        b'{"title": 01}',
        b'{"title": 1.}',
        b'{"title": +1}',
        b'{"title": "a\nb"}',
        b'{"title": "\\x41"}',
        b'{"title": "\\u12"}',
        b'{"title": "\\ud800"}',
        b'{"title": "\\udc00\\ud800"}',
        b'{"title": "\\u0000"}',
        b'{"title": "\xff"}',
        b'{"title": "\xc0\xaf"}',
        b'{"title": "\xed\xa0\x80"}',
        b'{"title": "\xe2\x82"}',
        b'{"title": [1, 2,]}',
        b'{"title": [1 2]}',
        b'{"title": "x" // why\n}',
        b"\xef\xbb\xbf{}",
        b'{"title": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_malformed(client: httpx.Client, gateway: Gateway, route: tuple[str, str], body: bytes) -> None:
    """What breaks JSON's grammar, or is no object, is refused with its place."""
    problem = assert_problem(client.request(*route, content=body, headers=JSON), 400, "MALFORMED_JSON")
    assert pointers(problem) == [""]
    assert gateway.query.calls.calls == gateway.knowledge.calls.calls == []


@pytest.mark.parametrize(
    ("route", "body", "expected"),
    [
        (QUERY, '{"message":"a","nothing":1}', ["/nothing"]),
        (QUERY, '{"message":"a","conversationId":"c"}', ["/conversationId"]),
        (QUERY, '{"Message":"a"}', ["/Message", "/message"]),
        (QUERY, '{"message":"a","":1}', ["/"]),
        (QUERY, '{"message":"a","a/b~c":1}', ["/a~1b~0c"]),
        (QUERY, '{"message":"a","message":"b"}', ["/message"]),
        (QUERY, '{"message":"a","mess\\u0061ge":"b"}', ["/message"]),
        (QUERY, '{"message":"a","x":{"y":1,"y":2}}', ["/x", "/x/y"]),
        (QUERY, '{"message":"a","metadata":{"k":"1","k":"2"}}', ["/metadata/k"]),
        (QUERY, "{}", ["/message"]),
        (QUERY, '{"message":null}', ["/message"]),
        (QUERY, '{"message":7}', ["/message"]),
        (QUERY, '{"message":["a"]}', ["/message"]),
        (QUERY, '{"message":{"a":1}}', ["/message"]),
        (QUERY, '{"message":true}', ["/message"]),
        (QUERY, '{"message":"a","exact":"true"}', ["/exact"]),
        (QUERY, '{"message":"a","exact":1}', ["/exact"]),
        (QUERY, '{"message":"a","max_sources":"3"}', ["/max_sources"]),
        (QUERY, '{"message":"a","max_sources":1.5}', ["/max_sources"]),
        (QUERY, '{"message":"a","max_sources":3.0}', ["/max_sources"]),
        (QUERY, '{"message":"a","max_sources":2147483648}', ["/max_sources"]),
        (QUERY, '{"message":"a","max_sources":-2147483649}', ["/max_sources"]),
        (QUERY, '{"message":"a","max_sources":123456789012345}', ["/max_sources"]),
        (QUERY, '{"message":"a","min_confidence":"0.5"}', ["/min_confidence"]),
        (QUERY, '{"message":"a","min_confidence":1e999}', ["/min_confidence"]),
        (QUERY, '{"message":"a","filters":[]}', ["/filters"]),
        (QUERY, '{"message":"a","filters":{"tag":["x"]}}', ["/filters/tag"]),
        (QUERY, '{"message":"a","filters":{"tags":"x"}}', ["/filters/tags"]),
        (QUERY, '{"message":"a","filters":{"tags":["x",1,null]}}', ["/filters/tags/1", "/filters/tags/2"]),
        (QUERY, '{"message":"a","history":{}}', ["/history"]),
        (QUERY, '{"message":"a","history":[{"role":"user","text":"b"}]}', ["/history/0/text"]),
        (QUERY, '{"message":"a","metadata":{"k":1}}', ["/metadata/k"]),
        (QUERY, '{"message":"a","metadata":{"k":null}}', ["/metadata/k"]),
        (QUERY, '{"message":"a","metadata":[]}', ["/metadata"]),
        (
            QUERY,
            '{"message":1,"exact":2,"x":3,"filters":{"y":4}}',
            ["/message", "/exact", "/x", "/filters/y"],
        ),
        (PATCH, '{"title":null}', ["/title"]),
        (PATCH, '{"document_id":"doc_2"}', ["/document_id"]),
        (PATCH, '{"tags":null,"active":null}', ["/tags", "/active"]),
        (PATCH, '{"tags":["a",2]}', ["/tags/1"]),
        (PUT, '{"document":{"title":"x"}}', ["/document", "/title"]),
        (PUT, '{"title":"x","contentType":"text/plain"}', ["/contentType"]),
        (BATCH, '{"documents":[{"title":"a"},{"titel":"b"}]}', ["/documents/1/titel"]),
        (BATCH, '{"documents":{}}', ["/documents"]),
    ],
)
def test_violations(
    client: httpx.Client, gateway: Gateway, route: tuple[str, str], body: str, expected: list[str]
) -> None:
    """Unknown, repeated, missing and mistyped fields are all listed, each with its JSON pointer."""
    problem = assert_problem(client.request(*route, content=body, headers=JSON), 400, "INVALID_ARGUMENT")
    assert pointers(problem) == expected
    assert gateway.query.calls.calls == gateway.knowledge.calls.calls == []


@pytest.mark.parametrize(
    "body",
    [
        {"message": "a"},
        {"message": '日本語 – emoji 🦊 \u2028 " \\ / \b\f\n\r\t \u007f'},
        {"message": "a", "filters": {}, "history": [], "metadata": {}},
        {"message": "a", "max_sources": 3, "min_confidence": 1, "exact": True, "store": False},
        {"message": "a", "min_confidence": 0.25, "metadata": {"k/~": "v", "": "e"}},
        {"message": "a", "history": [{"role": "user", "content": "b"}] * 3},
        {"message": "a", "filters": {"tags": ["x", ""], "locale": "en", "document_ids": []}},
        {"message": "a", "conversation_id": None, "filters": None, "max_sources": None, "history": None},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_good_bodies(client: httpx.Client, gateway: Gateway, body: dict[str, Any], ascii_only: bool) -> None:
    """Whatever the route takes arrives as it was sent; null stands for an absent field."""
    content = json.dumps(body, ensure_ascii=ascii_only).encode()
    response = client.post("/v1/query", content=content, headers=JSON)
    assert response.status_code == 200, response.text
    request = gateway.query.calls.last.request
    assert request.message == body["message"]
    assert dict(request.metadata) == (body.get("metadata") or {})
    assert request.HasField("max_sources") == (body.get("max_sources") is not None)
    assert list(request.filters.tags) == ((body.get("filters") or {}).get("tags") or [])


def test_white_space_is_free(client: httpx.Client, gateway: Gateway) -> None:
    """White space between tokens means nothing."""
    body = b' \t\r\n{ "message" :\n"a" , "filters" : { "tags" : [ "x" , "y" ] } } \r\n'
    assert client.post("/v1/query", content=body, headers=JSON).status_code == 200
    assert list(gateway.query.calls.last.request.filters.tags) == ["x", "y"]


def test_violations_come_with_those_of_the_query_string(client: httpx.Client) -> None:
    """One answer lists what is wrong with the body and with the query string."""
    response = client.post("/v1/query?mode=fast", json={"message": 1})
    assert pointers(assert_problem(response, 400, "INVALID_ARGUMENT")) == ["/mode", "/message"]


def test_a_flood_of_violations_is_cut(client: httpx.Client) -> None:
    """At most a hundred violations are listed."""
    response = client.post("/v1/query", json={f"field{n}": n for n in range(500)})
    assert len(pointers(assert_problem(response, 400, "INVALID_ARGUMENT"))) == 100


def test_the_keys_that_were_given_are_told(client: httpx.Client, gateway: Gateway) -> None:
    """A PATCH that empties a list can be told from one that leaves it alone."""
    assert client.patch(PATCH[1], json={"tags": [], "title": "x"}).status_code == 200
    call = gateway.knowledge.calls.last
    assert call.metadata["x-body-keys"] == "tags,title"
    assert list(call.request.patch.tags) == []
    assert client.patch(PATCH[1], json={}).status_code == 200
    assert gateway.knowledge.calls.last.metadata["x-body-keys"] == ""


def test_nulls_are_not_told_as_keys(client: httpx.Client, gateway: Gateway) -> None:
    """A field that is null counts as absent where it may be null."""
    client.post("/v1/query", json={"channel": None, "message": "a", "filters": None})
    assert gateway.query.calls.last.metadata["x-body-keys"] == "message"


def test_beyond_the_first_mebibyte_keys_are_not_checked(client: httpx.Client, gateway: Gateway) -> None:
    """A large document passes, with `*` for the keys that may follow the first MiB."""
    body = {"title": "Large", "content": "é🦊\n" * MEBIBYTE, "tags": ["a"]}
    response = client.put(PUT[1], json=body)
    assert response.status_code == 202, response.text
    call = gateway.knowledge.calls.last
    assert call.request.document.content == body["content"]
    assert list(call.request.document.tags) == ["a"]
    assert call.metadata["x-body-keys"] == "title,content,*"


def test_a_patch_is_checked_to_its_end(client: httpx.Client, gateway: Gateway) -> None:
    """A key behind the first MiB of a PATCH is told and checked all the same: nothing is silently dropped."""
    content = "x" * 2 * MEBIBYTE
    assert client.patch(PATCH[1], json={"content": content, "tags": []}).status_code == 200
    assert gateway.knowledge.calls.last.metadata["x-body-keys"] == "content,tags"
    response = client.patch(PATCH[1], json={"content": content, "tag": []})
    assert pointers(assert_problem(response, 400, "INVALID_ARGUMENT")) == ["/tag"]


def test_within_the_first_mebibyte_a_large_body_is_strict(client: httpx.Client) -> None:
    """What the check has read of a large body is strictly checked."""
    body = {"titel": "Large", "content": "x" * 2 * MEBIBYTE}
    response = client.put(PUT[1], json=body)
    assert pointers(assert_problem(response, 400, "INVALID_ARGUMENT")) == ["/titel"]


def test_a_large_body_that_breaks_off_is_refused(client: httpx.Client) -> None:
    """Grammar behind the first MiB is checked too, by the transcoder."""
    body = json.dumps({"title": "Large", "content": "x" * 2 * MEBIBYTE})[:-2].encode()
    assert_problem(client.put(PUT[1], content=body, headers=JSON), 400, "INVALID_ARGUMENT")
