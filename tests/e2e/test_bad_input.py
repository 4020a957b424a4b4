from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, client, indexed

QUERY = "/v1/query"
DOCUMENTS = "/v1/knowledge/documents"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer sk_live_",
        "Bearer nonsense",
        "Basic dXNlcjpwYXNz",
        "Bearer sk_live_" + 44 * "A",
        "Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "Bearer pk_live_AAAAAAAA",
        "wrong-last-character",
    ],
)
def test_request_without_a_good_key(system: System, leaf: Workspace, authorization: str | None) -> None:
    """No key, a wrong one and one of another form are refused with one text."""
    if authorization == "wrong-last-character":
        authorization = f"Bearer {leaf.key[:-1]}{'a' if leaf.key[-1] != 'a' else 'b'}"
    headers = {} if authorization is None else {"authorization": authorization}
    answer = client(system.url).post(QUERY, json={"message": QUESTION}, headers=headers)
    body = assert_problem(answer, 401, "UNAUTHENTICATED")
    first = assert_problem(client(system.url).get(DOCUMENTS), 401, "UNAUTHENTICATED")
    assert body["detail"] == first["detail"]


def test_missing_scope_is_named(system: System, leaf: Workspace) -> None:
    """A key without the scope of the route gets 403, which names it."""
    reader = system.key_for("leaf", "knowledge:read")
    body = assert_problem(reader.http.post(QUERY, json={"message": QUESTION}), 403, "SCOPE_MISSING")
    assert "query" in body["detail"]
    body = assert_problem(reader.http.post(DOCUMENTS, json={"title": "x"}), 403, "SCOPE_MISSING")
    assert "knowledge:write" in body["detail"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ('{"message": "hi", "mesage": "typo"}', "INVALID_ARGUMENT", "/mesage"),
        ('{"message": "hi", "filters": {"tag": ["x"]}}', "INVALID_ARGUMENT", "/filters/tag"),
        ('{"message": "one", "message": "two"}', "INVALID_ARGUMENT", "/message"),
        ('{"message": 7}', "INVALID_ARGUMENT", "/message"),
        ('{"message": "hi", "max_sources": "four"}', "INVALID_ARGUMENT", "/max_sources"),
        ('{"message": "hi", "filters": []}', "INVALID_ARGUMENT", "/filters"),
        ('{"message": ""}', "INVALID_ARGUMENT", "/message"),
        ("{}", "INVALID_ARGUMENT", "/message"),
        ('{"message": "hi", "max_sources": 11}', "INVALID_ARGUMENT", "/max_sources"),
        ('{"message": "hi", "min_confidence": 1.5}', "INVALID_ARGUMENT", "/min_confidence"),
        ('{"message": "hi",}', "MALFORMED_JSON", None),
        ('["message"]', "MALFORMED_JSON", None),
        ("", "MALFORMED_JSON", None),
        ("not json", "MALFORMED_JSON", None),
    ],
)
def test_bad_body(leaf: Workspace, body: str, code: str, pointer: str | None) -> None:
    """Each broken rule of a body is named with a pointer; nothing is silently dropped."""
    for path in (QUERY, f"{QUERY}/stream"):
        problem = assert_problem(leaf.http.post(path, content=body, headers=JSON), 400, code)
        if pointer:
            assert pointer in [each["pointer"] for each in problem["errors"]]


def test_all_violations_are_told_at_once(leaf: Workspace) -> None:
    """A request that breaks several rules hears of all of them."""
    body = {"message": "", "max_sources": 0, "min_confidence": -1, "channel": "x" * 33}
    problem = assert_problem(leaf.http.post(QUERY, json=body), 400, "INVALID_ARGUMENT")
    pointers = {each["pointer"] for each in problem["errors"]}
    assert {"/message", "/max_sources", "/min_confidence", "/channel"} <= pointers


def test_message_has_at_most_8000_characters(leaf: Workspace) -> None:
    """8,000 characters are taken, 8,001 are not; characters, not bytes."""
    assert leaf.http.post(QUERY, json={"message": "ü" * 8000}).status_code == 200
    answer = leaf.http.post(QUERY, json={"message": "ü" * 8001})
    problem = assert_problem(answer, 400, "INVALID_ARGUMENT")
    assert [each["pointer"] for each in problem["errors"]] == ["/message"]


@pytest.mark.parametrize(("path", "mebibytes"), [(QUERY, 11), (QUERY, 2), (DOCUMENTS, 16)])
def test_body_that_is_too_large_is_answered(leaf: Workspace, path: str, mebibytes: int) -> None:
    """A real client reads the 413, also while it still sends."""
    body = json.dumps({"message": "x" * (mebibytes << 20)}).encode()
    assert_problem(leaf.http.post(path, content=body, headers=JSON), 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("mebibytes", [2, 9])
def test_large_document_is_taken(scratch: Workspace, mebibytes: int) -> None:
    """The document routes take bodies beyond the other routes' limit."""
    # A comment: large, but no work for the indexer, which other tests wait for.
    content = f"<!-- {'x' * (mebibytes << 20)} -->\n"
    answer = scratch.http.post(DOCUMENTS, json={"title": "Large", "content": content, "active": False})
    assert answer.status_code == 202, answer.text
    assert answer.json()["bytes"] == len(content)
    assert scratch.http.delete(f"{DOCUMENTS}/{answer.json()['id']}").status_code == 202


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type(leaf: Workspace, content_type: str) -> None:
    """A body that is not called JSON is refused, whatever is in it."""
    headers = {"content-type": content_type} if content_type else {}
    answer = leaf.http.post(QUERY, content=b'{"message": "hi"}', headers=headers)
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"{DOCUMENTS}/doc_00000000000000000000000000", "DOCUMENT_NOT_FOUND"),
        ("DELETE", f"{DOCUMENTS}/doc_nonsense", "DOCUMENT_NOT_FOUND"),
        ("GET", "/v1/knowledge/operations/op_00000000000000000000000000", "OPERATION_NOT_FOUND"),
        ("GET", "/v1/conversations/conv_00000000000000000000000000", "CONVERSATION_NOT_FOUND"),
        ("GET", "/v1/no/such/route", "ROUTE_NOT_FOUND"),
    ],
)
def test_unknown_id(leaf: Workspace, method: str, path: str, code: str) -> None:
    """What does not exist is 404, with what it is that does not exist."""
    assert_problem(leaf.http.request(method, path), 404, code)


def test_question_in_an_unknown_conversation(leaf: Workspace) -> None:
    """A conversation that does not exist can't be gone on with."""
    body = {"message": QUESTION, "conversation_id": "conv_00000000000000000000000000"}
    for path in (QUERY, f"{QUERY}/stream", "/v1/search"):
        assert_problem(leaf.http.post(path, json=body), 404, "CONVERSATION_NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "TRACE", "PURGE", "X"])
def test_method_that_a_route_does_not_have(leaf: Workspace, method: str) -> None:
    """A wrong method is 405 and told which are right, be it one that nobody has heard of."""
    answer = leaf.http.request(method, QUERY)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


def test_user_token_that_nobody_signed_is_refused(leaf: Workspace) -> None:
    """A user token that nobody can verify is not taken on trust."""
    answer = leaf.http.post(QUERY, json={"message": QUESTION, "user_token": "e30.e30.x"})
    assert_problem(answer, 401, "USER_TOKEN_REFUSED")


@pytest.mark.parametrize("header", ["x-workspace-id", "X-Workspace-Id"])
def test_forged_workspace_header(system: System, leaf: Workspace, pot: Workspace, header: str) -> None:
    """A workspace named in a header from outside means nothing."""
    listed = json.loads(system.cli("workspaces", "list", "--json").stdout)["items"]
    target = next(each["id"] for each in listed if each["name"] == "leaf")
    forged = {header: target, "x-scopes": "query", "x-key-id": leaf.key_id}
    answer = pot.http.post("/v1/search", json={"message": QUESTION}, headers=forged)
    assert answer.status_code == 200
    own = {each["id"] for each in pot.http.get(DOCUMENTS).json()["items"]}
    results = answer.json()["results"]
    assert results
    assert {each["document_id"] for each in results} <= own


def test_path_is_not_overridden_by_the_query_string(leaf: Workspace, scratch: Workspace) -> None:
    """A query string that names a path's field is refused and reaches no other document."""
    one, two = (
        indexed(
            scratch.http,
            scratch.http.post(DOCUMENTS, json={"title": title, "content": f"{title} page"}).json(),
        )
        for title in ("Mine", "Yours")
    )
    for method, more in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"title": "Changed"}})):
        request: dict[str, Any] = {"params": {"document_id": two["id"]}, **more}
        answer = scratch.http.request(method, f"{DOCUMENTS}/{one['id']}", **request)
        assert_problem(answer, 400, "INVALID_ARGUMENT")
    for document in (one, two):
        kept = scratch.http.get(f"{DOCUMENTS}/{document['id']}").json()
        assert kept["title"] == document["title"]


def test_unknown_query_parameter(leaf: Workspace) -> None:
    """A misspelt parameter is refused, not ignored."""
    answer = leaf.http.get(DOCUMENTS, params={"page_sise": 2})
    assert_problem(answer, 400, "INVALID_ARGUMENT")
