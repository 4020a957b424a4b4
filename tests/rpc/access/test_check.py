"""Envoy's question over HTTP."""

import httpx
import pytest
from supportagent.access.v1 import operator_service_pb2 as pb

from tests.fakes.limits import FakeLimits
from tests.rpc.access.access_server import CREDENTIAL, METADATA, QUERY_RULE, TOKEN, AccessServer, access

__all__ = ["access"]

OPERATOR_RULE = "operator||false|request|supportagent.access.v1.OperatorService/ListKeys"
ANYONE_RULE = "anyone||false|request|supportagent.query.v1.QueryService/CheckReadiness"
WRITE_RULE = "api_key|knowledge:write|false|knowledge_write|supportagent.knowledge.v1.DocumentService/Create"
SEARCH_RULE = "api_key|query|false|request|supportagent.query.v1.QueryService/Search"
SHOP = "https://shop.example"

_RATE = {
    "ratelimit-policy": '"workspace";q=600;w=60',
    "ratelimit": '"workspace";r=599;t=1',
    "x-ratelimit-limit": "600",
    "x-ratelimit-remaining": "599",
    "x-ratelimit-reset": "1",
}


@pytest.mark.parametrize("credential", [None, "", "wrong", CREDENTIAL + "x"])
def test_a_stranger_may_not_ask(access: AccessServer, credential: str | None) -> None:
    """A local process that is not the gateway learns nothing, not even with a good key."""
    headers = {"x-route-rule": QUERY_RULE, "authorization": f"Bearer {access.key().key}"}
    if credential is not None:
        headers["x-internal-credential"] = credential
    answer = access.http.post("/", headers=headers)
    assert (answer.status_code, answer.content, dict(answer.headers)) == (404, b"", {"content-length": "0"})
    assert access.limits.accounts == []


def test_a_request_passes_with_its_caller(access: AccessServer) -> None:
    """The services learn who calls, the caller where it stands; neither key nor credential is said again."""
    key = access.key(scopes=["knowledge:read", "query"])
    answer = access.check({"authorization": f"Bearer {key.key}"})
    assert answer.status_code == 200
    assert dict(answer.headers) == {
        "x-workspace-id": key.workspace_id,
        "x-key-id": key.id,
        "x-scopes": "query knowledge:read",
        "x-environment": "live",
        "x-key-kind": "secret",
        "content-length": "0",
        **_RATE,
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_is_a_question(access: AccessServer, method: str) -> None:
    """Envoy asks with the method of the request, on one connection for all."""
    key = access.key()
    for _ in range(2):
        assert access.check({"authorization": f"Bearer {key.key}"}, method=method).status_code == 200
        assert access.check(method=method).status_code == 401


def test_the_operator_and_anyone_have_no_workspace(access: AccessServer) -> None:
    """Both overwrite the workspace with nothing, so that none of the request's own survives."""
    operator = access.check({"authorization": f"Bearer {TOKEN}"}, rule=OPERATOR_RULE)
    anyone = access.check(rule=ANYONE_RULE)
    for answer, key_id in ((operator, "operator"), (anyone, "")):
        assert answer.status_code == 200
        assert dict(answer.headers) == {
            "x-workspace-id": "",
            "x-key-id": key_id,
            "x-scopes": "",
            "x-environment": "",
            "x-key-kind": "",
            "content-length": "0",
        }


def test_every_wrong_credential_has_one_answer(access: AccessServer) -> None:
    """No key, a malformed, an unknown, a revoked one and two at once are not told apart."""
    key, revoked = access.key().key, access.key()
    access.operator.RevokeKey(pb.RevokeKeyRequest(key_id=revoked.id), metadata=METADATA)
    own = [("x-internal-credential", CREDENTIAL), ("x-route-rule", QUERY_RULE)]
    bodies = set()
    for values in (
        [],
        ["Bearer nonsense"],
        ["Bearer \N{LATIN SMALL LETTER E WITH ACUTE}"],
        [f"Bearer {key[:-1]}"],
        [f"Bearer {revoked.key}"],
        [f"Bearer {key},Bearer {key}"],
        [f"Bearer {key}", f"Bearer {key}"],
    ):
        headers = [(b"authorization", value.encode("latin-1")) for value in values]
        answer = access.http.post("/", headers=[*((a.encode(), b.encode()) for a, b in own), *headers])
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert not [name for name in answer.headers if "ratelimit" in name]
        bodies.add(answer.content)
    assert len(bodies) == 1
    assert answer.json()["code"] == "UNAUTHENTICATED"


def test_a_revoked_key_is_refused_at_once_here(access: AccessServer) -> None:
    """The process that revokes does not wait for its cache, kept-alive connection or not."""
    key = access.key()
    assert access.check({"authorization": f"Bearer {key.key}"}).status_code == 200
    access.operator.RevokeKey(pb.RevokeKeyRequest(key_id=key.id), metadata=METADATA)
    assert access.check({"authorization": f"Bearer {key.key}"}).status_code == 401


def test_a_missing_scope_is_named(access: AccessServer) -> None:
    """The problem body has the documented shape, the request's id and the scope; the limits are told, too."""
    headers = {"authorization": f"bearer {access.key().key}", "x-request-id": 'r"1'}
    answer = access.check(headers, rule=WRITE_RULE)
    assert answer.status_code == 403
    assert answer.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "The key lacks the scope `knowledge:write`.",
        "code": "SCOPE_MISSING",
        "request_id": 'r"1',
        "errors": [],
    }
    assert _RATE.items() <= dict(answer.headers).items()


def test_over_the_rate(access: AccessServer) -> None:
    """The answer says when to come back, in whole seconds that are enough, and tells of both limits."""
    key = access.key(scopes=["query"], requests_per_minute=1)
    headers = {"authorization": f"Bearer {key.key}"}
    assert access.check(headers).status_code == 200
    answer = access.check(headers)
    assert answer.status_code == 429
    assert answer.json()["code"] == "RATE_LIMITED"
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["ratelimit-policy"] == '"key";q=1;w=60, "workspace";q=600;w=60'
    assert answer.headers["ratelimit"] == '"key";r=0;t=1, "workspace";r=599;t=1'
    assert answer.headers["x-ratelimit-limit"] == "1"
    assert answer.headers["x-ratelimit-remaining"] == "0"


def test_the_quota_warns_and_ends(access: AccessServer) -> None:
    """From 80 % of the month's queries each answer warns; at 100 % questions are refused to its end."""
    key = access.key()
    headers = {"authorization": f"Bearer {key.key}"}
    access.limits.queries[key.workspace_id] = 7_999
    warned = access.check(headers)
    assert warned.status_code == 200
    assert warned.headers["quota-warning"].startswith("queries;used=8000;limit=10000;reset=")
    access.limits.queries[key.workspace_id] = 10_000
    refused = access.check(headers)
    assert refused.status_code == 429
    assert refused.json()["code"] == "QUOTA_EXCEEDED"
    assert refused.headers["retry-after"] == "86401"
    assert refused.headers["quota-warning"].startswith("queries;used=10000;limit=10000;reset=")
    assert access.check(headers, rule=SEARCH_RULE).status_code == 200


def test_a_page_may_read_the_answer_to_its_own_key(access: AccessServer) -> None:
    """An allowed origin gets its CORS headers with every answer, a refusal included; another one none."""
    key = access.key(kind="publishable", origins=[SHOP])
    headers = {"authorization": f"Bearer {key.key}", "x-client-address": "192.0.2.1"}
    passed = access.check({**headers, "origin": SHOP})
    refused = access.check({**headers, "origin": SHOP}, rule=SEARCH_RULE)
    assert (passed.status_code, passed.headers["x-key-kind"]) == (200, "publishable")
    assert (refused.status_code, refused.json()["code"]) == (403, "PUBLISHABLE_KEY_REFUSED")
    for answer in (passed, refused):
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["vary"] == "Origin"
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"x-request-id", "retry-after", "quota-warning", "ratelimit"} <= set(exposed)
        assert "access-control-allow-credentials" not in answer.headers
    for origin in ({}, {"origin": "https://evil.example"}):
        stranger = access.check({**headers, **origin})
        assert (stranger.status_code, stranger.json()["code"]) == (403, "ORIGIN_NOT_ALLOWED")
        assert "access-control-allow-origin" not in stranger.headers
        assert stranger.headers["vary"] == "Origin"
        assert stranger.headers["ratelimit-policy"] == '"address";q=60;w=60'


def test_a_repeated_origin_is_none(access: AccessServer) -> None:
    """Two headers are not one of the key's origins, even if each is."""
    key = access.key(kind="publishable", origins=[SHOP])
    headers = [
        ("x-internal-credential", CREDENTIAL),
        ("x-route-rule", QUERY_RULE),
        ("authorization", f"Bearer {key.key}"),
        ("origin", SHOP),
        ("origin", SHOP),
    ]
    assert access.http.post("/", headers=headers).status_code == 403


def test_a_plan_without_api_access_says_so(access: AccessServer) -> None:
    """A secret key on `starter` gets 403, with the reason."""
    access.operator.CreateWorkspace(
        pb.CreateWorkspaceRequest(name="small", plan="starter"), metadata=METADATA
    )
    answer = access.check({"authorization": f"Bearer {access.key('small').key}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "PLAN_WITHOUT_API_ACCESS")
    assert "starter" in answer.json()["detail"]


@pytest.mark.parametrize("rule", ["", "api_key", f"{QUERY_RULE},{ANYONE_RULE}"])
def test_a_route_without_a_rule_is_not_there(access: AccessServer, rule: str) -> None:
    """Where the route says nothing, a valid key opens nothing."""
    answer = access.check({"authorization": f"Bearer {access.key().key}"}, rule=rule)
    assert (answer.status_code, answer.json()["code"]) == (404, "ROUTE_NOT_FOUND")


def test_an_unforeseen_failure_is_a_problem_body(access: AccessServer) -> None:
    """A check that fails is answered 500 with a reference, tells nothing of why, and ends nothing."""
    limits: FakeLimits = access.limits
    headers = {"authorization": f"Bearer {access.key().key}", "x-request-id": "r1"}
    for set_aside in (False, True):
        limits.failing, limits.set_aside = RuntimeError("sk_live_secret"), set_aside
        answer = access.check(headers)
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
        assert answer.json()["request_id"] == "r1"
        assert "Reference: " in answer.json()["detail"]
        assert "secret" not in answer.text
    limits.failing = None
    assert access.check(headers).status_code == 200


def test_connections_are_kept(access: AccessServer) -> None:
    """One connection serves question after question."""
    key = access.key()
    with httpx.Client(base_url=access.http.base_url) as client:
        headers = {
            "x-internal-credential": CREDENTIAL,
            "x-route-rule": QUERY_RULE,
            "authorization": f"Bearer {key.key}",
        }
        streams = {id(client.get("/", headers=headers).extensions["network_stream"]) for _ in range(5)}
    assert len(streams) == 1
