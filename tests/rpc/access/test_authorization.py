"""Envoy's question over gRPC."""

import json

import grpc
import pytest
from envoy.service.auth.v3 import external_auth_pb2 as auth_pb2
from google.rpc import code_pb2
from supportagent.access.v1 import operator_service_pb2 as pb

from gateway.access.api.authorization_servicer import AuthorizationServicer
from gateway.access.domain.check import Demand, Denied, Passed
from services.runtime.settings import Secret
from tests.rpc.access.access_server import CREDENTIAL, METADATA, TOKEN, AccessServer, access

__all__ = ["access"]


def test_a_stranger_may_not_ask(access: AccessServer) -> None:
    """A local process that is not the gateway gets no answer, and so not the credential in it."""
    extensions = {"audience": "anyone", "route": "Test"}
    request = auth_pb2.CheckRequest(attributes=auth_pb2.AttributeContext(context_extensions=extensions))
    with pytest.raises(grpc.RpcError) as refused:
        access.authorization.Check(request)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_request_passes_with_its_caller(access: AccessServer) -> None:
    """All caller headers are overwritten, and the key goes no further."""
    key = _key(access)
    answer = access.check({"authorization": f"Bearer {key.key}"})
    assert answer.status.code == code_pb2.OK
    assert _headers(answer.ok_response.headers) == {
        "x-workspace-id": key.workspace_id,
        "x-key-id": key.id,
        "x-scopes": "query knowledge:read",
        "x-environment": "live",
        "x-internal-credential": CREDENTIAL,
    }
    assert list(answer.ok_response.headers_to_remove) == ["authorization"]


def test_the_operator_and_anyone_have_no_workspace(access: AccessServer) -> None:
    """Both overwrite the workspace with nothing, so that none of the request's own survives."""
    operator = access.check({"authorization": f"Bearer {TOKEN}"}, audience="operator", scope="")
    anyone = access.check(audience="anyone", scope="")
    for answer, key_id in ((operator, "operator"), (anyone, "")):
        headers = _headers(answer.ok_response.headers)
        assert headers == {
            "x-workspace-id": "",
            "x-key-id": key_id,
            "x-scopes": "",
            "x-environment": "",
            "x-internal-credential": CREDENTIAL,
        }


def test_every_wrong_credential_has_one_answer(access: AccessServer) -> None:
    """No key, a malformed, an unknown and a revoked one are not told apart."""
    key = _key(access)
    revoked = _key(access)
    access.operator.RevokeKey(pb.RevokeKeyRequest(key_id=revoked.id), metadata=METADATA)
    bodies = set()
    for headers in (
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": f"Bearer {key.key[:-1]}"},
        {"authorization": f"Bearer {revoked.key}"},
        {"authorization": f"Bearer {key.key},Bearer {key.key}"},
    ):
        answer = access.check(headers)
        assert answer.status.code == code_pb2.UNAUTHENTICATED
        assert answer.denied_response.status.code == 401
        assert _headers(answer.denied_response.headers) == {
            "content-type": "application/problem+json",
            "www-authenticate": "Bearer",
        }
        bodies.add(answer.denied_response.body)
    assert len(bodies) == 1


def test_a_revoked_key_is_refused_at_once_here(access: AccessServer) -> None:
    """The process that revokes does not wait for its cache."""
    key = _key(access)
    assert access.check({"authorization": f"Bearer {key.key}"}).HasField("ok_response")
    access.operator.RevokeKey(pb.RevokeKeyRequest(key_id=key.id), metadata=METADATA)
    assert access.check({"authorization": f"Bearer {key.key}"}).denied_response.status.code == 401


def test_a_missing_scope_is_named(access: AccessServer) -> None:
    """The problem body has the documented shape, the request's id and the scope that is missing."""
    key = _key(access)
    headers = {"authorization": f"bearer {key.key}", "x-request-id": 'r"1'}
    answer = access.check(headers, scope="knowledge:write")
    assert answer.status.code == code_pb2.PERMISSION_DENIED
    assert json.loads(answer.denied_response.body) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "The key lacks the scope `knowledge:write`.",
        "code": "SCOPE_MISSING",
        "request_id": 'r"1',
        "errors": [],
    }


@pytest.mark.parametrize("extensions", [{}, {"audience": "api_key"}, {"audience": "everyone", "scope": ""}])
def test_a_route_without_a_rule_is_not_there(access: AccessServer, extensions: dict[str, str]) -> None:
    """Where the route says nothing, a valid key opens nothing."""
    key = _key(access)
    answer = access.ask({"authorization": f"Bearer {key.key}"}, extensions)
    assert answer.denied_response.status.code == 404
    assert json.loads(answer.denied_response.body)["code"] == "ROUTE_NOT_FOUND"


def test_an_unforeseen_failure_is_a_problem_body() -> None:
    """A check that fails is answered 500 with a reference, and tells nothing of why."""

    def fail(demand: Demand | None, authorization: str) -> Passed | Denied:
        raise RuntimeError("sk_live_secret")

    servicer = AuthorizationServicer(fail, Secret(CREDENTIAL))
    answer = servicer.Check(auth_pb2.CheckRequest(), None)  # type: ignore[arg-type]
    assert answer.status.code == code_pb2.INTERNAL
    assert answer.denied_response.status.code == 500
    body = json.loads(answer.denied_response.body)
    assert body["code"] == "INTERNAL"
    assert "secret" not in answer.denied_response.body


def _key(access: AccessServer) -> pb.Key:
    found = access.operator.ListWorkspaces(pb.ListWorkspacesRequest(), metadata=METADATA)
    if not found.items:
        access.operator.CreateWorkspace(pb.CreateWorkspaceRequest(name="acme"), metadata=METADATA)
    request = pb.CreateKeyRequest(workspace="acme", scopes=["knowledge:read", "query"])
    key: pb.Key = access.operator.CreateKey(request, metadata=METADATA).key
    return key


def _headers(headers: object) -> dict[str, str]:
    for each in headers:  # type: ignore[attr-defined]
        assert each.append_action == 2
    return {each.header.key: each.header.value for each in headers}  # type: ignore[attr-defined]
