"""Re-indexes, retries and versions: routes whose bodies may be absent, and a number in a path."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem, pointers

REINDEX, ROLLBACK = "/v1/knowledge/reindex", "/v1/knowledge/reindex/rollback"
RETRY = "/v1/knowledge/operations/op_1/retry"
VERSIONS = "/v1/knowledge/documents/doc_1/versions"


@pytest.mark.parametrize(
    ("path", "method"), [(REINDEX, "Reindex"), (ROLLBACK, "RollBackReindex"), (RETRY, "RetryOperation")]
)
@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_work_is_accepted(
    client: httpx.Client, gateway: Gateway, path: str, method: str, body: bytes | None
) -> None:
    """202 with the operation; no body and an empty object say the same, and the key arrives."""
    headers = {"idempotency-key": "abc"} | ({"content-type": "application/json"} if body else {})
    response = client.post(path, content=body, headers=headers)
    assert (response.status_code, response.json()["id"]) == (202, "op_1")
    call = gateway.knowledge.calls.last
    assert (call.method, call.metadata["idempotency-key"]) == (method, "abc")
    assert gateway.check.last.rule[:2] == ["api_key", "knowledge:write"]


def test_an_operation_is_named_by_its_path(client: httpx.Client, gateway: Gateway) -> None:
    """As for cancelling it."""
    client.post(RETRY)
    assert gateway.knowledge.calls.last.request.operation_id == "op_1"


def test_some_documents_are_named_in_the_body(client: httpx.Client, gateway: Gateway) -> None:
    """Ids as a list; whatever else stands there is refused."""
    assert client.post(REINDEX, json={"document_ids": ["doc_1", "doc_2"]}).status_code == 202
    assert list(gateway.knowledge.calls.last.request.document_ids) == ["doc_1", "doc_2"]
    assert_problem(client.post(REINDEX, json={"documents": []}), 400, "INVALID_ARGUMENT")
    assert_problem(client.post(ROLLBACK, json={"document_ids": []}), 400, "INVALID_ARGUMENT")
    broken = client.post(REINDEX, content=b"[", headers={"content-type": "application/json"})
    assert_problem(broken, 400, "MALFORMED_JSON")


def test_wrong_methods(client: httpx.Client) -> None:
    """405 with what there is."""
    for path, allow in ((REINDEX, "POST"), (ROLLBACK, "POST"), (RETRY, "POST"), (VERSIONS, "GET")):
        response = client.put(path, json={})
        assert_problem(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == allow


def test_versions(client: httpx.Client, gateway: Gateway) -> None:
    """A list of them, and one by its number."""
    assert client.get(VERSIONS, params={"page_size": 5}).json()["items"][0]["current"] is True
    request = gateway.knowledge.calls.last.request
    assert (request.document_id, request.page_size) == ("doc_1", 5)
    found = client.get(f"{VERSIONS}/3").json()
    assert (found["version"], found["content"]) == (3, "")
    assert gateway.check.last.rule[1] == "knowledge:read"


@pytest.mark.parametrize("number", ["abc", "1.5", "1e3", "99999999999", "%31x", "-", "0x1", " 1"])
def test_a_version_is_a_number(client: httpx.Client, gateway: Gateway, number: str) -> None:
    """Anything else is a bad request that knowledge never sees."""
    response = client.get(f"{VERSIONS}/{number}")
    body = assert_problem(response, 400, "INVALID_ARGUMENT")
    assert pointers(body) == ["/version"]
    assert gateway.knowledge.calls.calls == []
