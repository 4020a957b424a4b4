"""The routes of a workspace's settings and of its calibration."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.problem_body import assert_problem

PATH = "/operator/v1/workspaces/ws_1/answering"


def test_the_operator_reads_settings(operator: httpx.Client, gateway: Gateway) -> None:
    """The path's workspace reaches the query service, and what was not set is absent from the answer."""
    response = operator.get(PATH)
    assert response.status_code == 200
    assert response.json()["workspace_id"] == "ws_1"
    assert not {"min_confidence", "wanted_precision", "language_model"} & set(response.json())
    last = gateway.query.calls.last
    assert (last.method, last.request.workspace_id) == ("GetAnswering", "ws_1")
    assert last.metadata["x-key-id"] == "operator"


def test_a_patch_says_what_is_given(operator: httpx.Client, gateway: Gateway) -> None:
    """Zeros, empty texts and empty objects are given; what is left out is not."""
    body = {"min_confidence": 0, "language_model": {"key": "", "rewrite": False}, "reranker": {}}
    assert operator.patch(PATH, json={**body, "clear": ["high_from"]}).status_code == 200
    request = gateway.query.calls.last.request
    patch = request.patch
    assert request.workspace_id == "ws_1"
    assert {field.name for field, _ in patch.ListFields()} == {*body, "clear"}
    assert patch.min_confidence == 0
    assert {field.name for field, _ in patch.language_model.ListFields()} == {"key", "rewrite"}
    assert patch.reranker.ListFields() == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"min_confidence": None}, "/min_confidence"),
        ({"answer_characters": "400"}, "/answer_characters"),
        ({"tone": "formal"}, "/tone"),
        ({"language_model": {"secret": "x"}}, "/language_model/secret"),
        ({"workspace_id": "ws_2"}, "/workspace_id"),
    ],
)
def test_a_wrong_patch_reaches_nobody(
    operator: httpx.Client, gateway: Gateway, body: dict[str, object], pointer: str
) -> None:
    """The strict check knows the fields of the patch."""
    problem = assert_problem(operator.patch(PATH, json=body), 400, "INVALID_ARGUMENT")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert gateway.query.calls.calls == []


def test_settings_are_not_public(client: httpx.Client, gateway: Gateway) -> None:
    """A workspace's key opens them neither on its listener nor on the operator's."""
    assert_problem(client.get(PATH), 404, "ROUTE_NOT_FOUND")
    url = f"{gateway.envoy.operator}{PATH}"
    assert_problem(client.get(url), 401, "UNAUTHENTICATED")
    assert gateway.query.calls.calls == []


def test_the_calibration_is_public(client: httpx.Client, stranger: httpx.Client, gateway: Gateway) -> None:
    """With a workspace's key, bare, and read only."""
    response = client.get("/v1/query/calibration")
    assert response.status_code == 200
    assert response.json()["origin"] == "shipped"
    assert response.json()["risk_coverage"] == []
    assert gateway.query.calls.last.metadata["x-workspace-id"] == "ws_1"
    assert_problem(stranger.get("/v1/query/calibration"), 401, "UNAUTHENTICATED")
    assert_problem(client.post("/v1/query/calibration"), 405, "METHOD_NOT_ALLOWED")
