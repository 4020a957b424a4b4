"""The check behind every request, for a gateway under test: a few fixed keys, and the operator's routes."""

import json
from typing import Any

import grpc
from envoy.service.auth.v3 import external_auth_pb2 as auth
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc
from google.rpc import status_pb2
from supportagent.access.v1 import operator_service_pb2 as pb
from supportagent.access.v1 import operator_service_pb2_grpc as pb_grpc

from services.runtime.server import Service
from tests.fakes.recorded_calls import RecordedCalls

CREDENTIAL = "the-internal-credential"
KEY = "sk_live_good"
READ_ONLY_KEY = "sk_live_readonly"
LIMITED_KEY = "sk_live_limited"
OPERATOR_TOKEN = "operator-token"
ALL_SCOPES = "query knowledge:read knowledge:write conversations:read conversations:write"

_SCOPES = {KEY: ALL_SCOPES, READ_ONLY_KEY: "knowledge:read"}
_OVERWRITE = 2


class FakeAccessService(auth_grpc.AuthorizationServicer, pb_grpc.OperatorServiceServicer):
    """Implements Envoy's Authorization and our OperatorService; `checks` and `calls` are for the tests."""

    def __init__(self) -> None:
        self.checks = RecordedCalls()
        self.calls = RecordedCalls()

    def services(self) -> list[Service]:
        """Return how it joins a server."""
        return [
            Service(
                "envoy.service.auth.v3.Authorization",
                auth_grpc.add_AuthorizationServicer_to_server,
                self,
            ),
            Service(
                "supportagent.access.v1.OperatorService", pb_grpc.add_OperatorServiceServicer_to_server, self
            ),
        ]

    def Check(self, request: auth.CheckRequest, context: grpc.ServicerContext) -> Any:
        """Decide by the route's rule and the fixed keys."""
        return self.checks.serve("Check", request, context, _decide)

    def CreateWorkspace(self, request: pb.CreateWorkspaceRequest, context: grpc.ServicerContext) -> Any:
        """Make one."""
        return self.calls.serve(
            "CreateWorkspace",
            request,
            context,
            lambda r, c: pb.CreateWorkspaceResponse(workspace=pb.Workspace(id="ws_1", name=r.name)),
        )

    def ListWorkspaces(self, request: pb.ListWorkspacesRequest, context: grpc.ServicerContext) -> Any:
        """List none."""
        return self.calls.serve("ListWorkspaces", request, context, lambda r, c: pb.ListWorkspacesResponse())

    def CreateKey(self, request: pb.CreateKeyRequest, context: grpc.ServicerContext) -> Any:
        """Make one."""
        return self.calls.serve(
            "CreateKey",
            request,
            context,
            lambda r, c: pb.CreateKeyResponse(key=pb.Key(id="key_1", name=r.name)),
        )

    def ListKeys(self, request: pb.ListKeysRequest, context: grpc.ServicerContext) -> Any:
        """List none."""
        return self.calls.serve("ListKeys", request, context, lambda r, c: pb.ListKeysResponse())

    def RevokeKey(self, request: pb.RevokeKeyRequest, context: grpc.ServicerContext) -> Any:
        """Revoke it."""
        return self.calls.serve(
            "RevokeKey", request, context, lambda r, c: pb.RevokeKeyResponse(key=pb.Key(id=r.key_id))
        )


def _decide(request: auth.CheckRequest, context: grpc.ServicerContext) -> auth.CheckResponse:
    rule = request.attributes.context_extensions
    headers = request.attributes.request.http.headers
    token = headers.get("authorization", "").removeprefix("Bearer ")
    request_id = headers.get("x-request-id", "")
    if rule["audience"] == "anyone":
        return _passed("", "", "")
    if rule["audience"] == "operator":
        return (
            _passed("", "operator", "")
            if token == OPERATOR_TOKEN
            else denied(401, "UNAUTHENTICATED", request_id)
        )
    if token == LIMITED_KEY:
        return denied(429, "RATE_LIMITED", request_id, {"retry-after": "7"})
    if token not in _SCOPES:
        return denied(401, "UNAUTHENTICATED", request_id, {"www-authenticate": "Bearer"})
    if rule["scope"] not in _SCOPES[token].split():
        return denied(403, "SCOPE_MISSING", request_id)
    return _passed("ws_1", "key_1", _SCOPES[token])


def _passed(workspace: str, key_id: str, scopes: str) -> auth.CheckResponse:
    return passed(
        {
            "x-workspace-id": workspace,
            "x-key-id": key_id,
            "x-scopes": scopes,
            "x-environment": "live",
            "x-internal-credential": CREDENTIAL,
        }
    )


def passed(headers: dict[str, str]) -> auth.CheckResponse:
    """Return the answer that lets a request pass with these headers."""
    return auth.CheckResponse(
        status=status_pb2.Status(code=0),
        ok_response=auth.OkHttpResponse(
            headers=_options(headers),
            headers_to_remove=["authorization"],
            response_headers_to_add=_options({"x-ratelimit-remaining": "599"}),
        ),
    )


def denied(
    status: int, code: str, request_id: str, headers: dict[str, str] | None = None
) -> auth.CheckResponse:
    """Return a refusal with a whole problem body, as access makes it."""
    problem = {
        "type": "about:blank",
        "title": "Denied",
        "status": status,
        "detail": "Access says no.",
        "code": code,
        "request_id": request_id,
        "errors": [],
    }
    return auth.CheckResponse(
        status=status_pb2.Status(code=7),
        denied_response=auth.DeniedHttpResponse(
            status=auth.HttpStatus(code=status),
            headers=_options({"content-type": "application/problem+json", **(headers or {})}),
            body=json.dumps(problem),
        ),
    )


def _options(headers: dict[str, str]) -> list[auth.HeaderValueOption]:
    return [
        auth.HeaderValueOption(header=auth.HeaderValue(key=key, value=value), append_action=_OVERWRITE)
        for key, value in headers.items()
    ]
