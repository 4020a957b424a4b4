from __future__ import annotations

import json
import time

import httpx

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, client, until

ORIGIN = "https://shop.example"


def test_revoked_key_is_refused_within_five_seconds(system: System, leaf: Workspace) -> None:
    """A revoked key that was just in use is refused within 5 s, on the connection that it was used on too."""
    key = system.key_for("leaf", "query")
    kept = _one_connection(system, key)
    assert kept.get("/v1/usage").status_code == 200
    system.cli("keys", "revoke", key.key_id)
    _assert_refused_soon(kept)


def test_keys_are_listed_without_their_secrets(system: System, leaf: Workspace) -> None:
    """A key is shown whole once; the list has its beginning and state only."""
    listed = system.cli("keys", "list", "--workspace", "leaf", "--json").stdout
    assert leaf.key not in listed
    assert leaf.key_id in [each["id"] for each in json.loads(listed)["items"]]


def test_expired_key_is_refused(system: System, leaf: Workspace) -> None:
    """A key ends when its lifetime does."""
    made = system.cli(
        "keys", "create", "--workspace", "leaf", "--scopes", "query", "--expires-in", "2s", "--json"
    )
    http = client(system.url, json.loads(made.stdout)["key"])
    assert http.post("/v1/search", json={"message": QUESTION}).status_code == 200
    time.sleep(2.1)
    assert_problem(http.post("/v1/search", json={"message": QUESTION}), 401, "UNAUTHENTICATED")


def test_test_key_opens_the_twin(system: System, leaf: Workspace) -> None:
    """A test key sees the workspace's twin, which has none of its documents."""
    made = system.cli(
        *(
            "keys",
            "create",
            "--workspace",
            "leaf",
            "--scopes",
            "knowledge:read",
            "--environment",
            "test",
            "--json",
        )
    )
    key = json.loads(made.stdout)["key"]
    assert key.startswith("sk_test_")
    assert client(system.url, key).get("/v1/knowledge/documents").json()["items"] == []


def test_name_of_a_workspace_is_taken_once(system: System, leaf: Workspace) -> None:
    """A second workspace of the same name is refused with the reason on standard error."""
    done = system.cli("workspaces", "create", "leaf", check=False)
    assert done.returncode == 1
    assert "Request id: " in done.stderr


def test_operator_needs_the_operator_token(system: System, leaf: Workspace) -> None:
    """The operator's listener refuses API keys, and the public one has no operator routes."""
    refused = client(system.operator_url, leaf.key).get("/operator/v1/workspaces")
    assert_problem(refused, 401, "UNAUTHENTICATED")
    token = (system.data / "operator.token").read_text().strip()
    assert (system.data / "operator.token").stat().st_mode & 0o777 == 0o600
    assert client(system.operator_url, token).get("/operator/v1/workspaces").status_code == 200
    assert_problem(client(system.url, token).get("/operator/v1/workspaces"), 404, "ROUTE_NOT_FOUND")


def test_rotated_key_works_until_the_overlap_ends(system: System, leaf: Workspace) -> None:
    """Both keys work during the overlap, afterwards the successor alone."""
    old = system.key_for("leaf", "query")
    new = system.rotated(old, "6s")
    rotated = time.monotonic()
    assert old.http.get("/v1/usage").status_code == new.http.get("/v1/usage").status_code == 200
    _assert_refused_soon(old.http, 11)
    assert time.monotonic() - rotated > 5
    assert new.http.get("/v1/usage").status_code == 200
    assert_problem(new.http.get("/v1/knowledge/documents"), 403, "SCOPE_MISSING")


def test_rotation_without_overlap(system: System, leaf: Workspace) -> None:
    """Without an overlap the old key ends as a revoked one does."""
    old = system.key_for("leaf", "query")
    assert old.http.get("/v1/usage").status_code == 200
    new = system.rotated(old, "0")
    assert new.http.get("/v1/usage").status_code == 200
    _assert_refused_soon(old.http)


def test_keys_of_a_closed_workspace_are_refused(system: System) -> None:
    """Closing a workspace ends all keys of it and of its twin, and gives its name to nobody."""
    live = system.workspace("closed")
    twin = system.key_for("closed", options=["--environment", "test"])
    widget = system.publishable_key_for("closed", ORIGIN)
    assert live.http.get("/v1/usage").status_code == twin.http.get("/v1/usage").status_code == 200
    system.cli("workspaces", "delete", "closed", "--yes")
    _assert_refused_soon(live.http)
    _assert_refused_soon(twin.http)
    assert_problem(widget.http.post("/v1/query", json={"message": QUESTION}), 401, "UNAUTHENTICATED")
    assert system.cli("workspaces", "create", "closed", check=False).returncode == 1
    assert system.cli("keys", "create", "--workspace", "closed", "--scopes", "query", check=False).returncode


def test_publishable_key_opens_the_widget_routes_only(system: System, leaf: Workspace) -> None:
    """A publishable key asks questions, and neither searches nor reads."""
    widget = system.publishable_key_for("leaf", ORIGIN, "http://127.0.0.1:3000")
    assert widget.key.startswith("pk_live_")
    answer = widget.http.post("/v1/query", json={"message": QUESTION})
    assert answer.status_code == 200
    assert answer.json()["answered"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Origin" in answer.headers["vary"]
    assert "RateLimit" in answer.headers["access-control-expose-headers"]
    for method, path, body in (
        ("POST", "/v1/search", {"message": QUESTION}),
        ("GET", "/v1/conversations", None),
        ("GET", "/v1/knowledge/documents", None),
    ):
        refused = widget.http.request(method, path, json=body)
        assert_problem(refused, 403, "PUBLISHABLE_KEY_REFUSED")
        # A page's script has to be able to read why.
        assert refused.headers["access-control-allow-origin"] == ORIGIN


def test_publishable_key_works_from_its_origins_only(system: System, leaf: Workspace) -> None:
    """Another origin, a look-alike and none at all are refused, and are not allowed to read the answer."""
    widget = system.publishable_key_for("leaf", ORIGIN)
    for origin in ("https://evil.example", "http://shop.example", f"{ORIGIN}.evil.example", "null", None):
        http = client(system.url, widget.key)
        if origin:
            http.headers["origin"] = origin
        refused = http.post("/v1/query", json={"message": QUESTION})
        assert_problem(refused, 403, "ORIGIN_NOT_ALLOWED")
        assert "access-control-allow-origin" not in refused.headers


def test_audit_tells_what_was_changed_and_refused(system: System) -> None:
    """Changes of keys and plans and refused requests are told, newest first, and no secret is."""
    workspace = system.workspace("audited", "query")
    system.cli("workspaces", "update", "audited", "--plan", "growth", "--limit", "queries=500")
    successor = system.rotated(workspace, "1h")
    system.cli("keys", "revoke", successor.key_id)
    for _ in range(3):
        assert_problem(workspace.http.get("/v1/knowledge/documents"), 403, "SCOPE_MISSING")

    def told() -> list[dict[str, str]]:
        shown = system.cli("audit", "--workspace", "audited", "--json").stdout
        assert workspace.key not in shown
        assert successor.key not in shown
        items: list[dict[str, str]] = json.loads(shown)["items"]
        return items

    until(lambda: any(each["event"] == "request.refused" for each in told()), "the refusals in the audit")
    refused = next(each for each in told() if each["event"] == "request.refused")
    assert refused["key_id"] == workspace.key_id
    assert int(refused["count"]) == 3
    changes = [each["event"] for each in told() if each["event"] != "request.refused"]
    assert changes == [
        "key.revoked",
        "key.rotated",
        "workspace.updated",
        "key.created",
        "workspace.created",
    ]


def _one_connection(system: System, key: Workspace) -> httpx.Client:
    """A client that fails rather than open a second connection."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    return httpx.Client(
        base_url=system.url,
        headers={"authorization": f"Bearer {key.key}"},
        limits=limits,
        trust_env=False,
    )


def _assert_refused_soon(http: httpx.Client, seconds: float = 5) -> None:
    begun = time.monotonic()
    while http.get("/v1/usage").status_code == 200:
        assert time.monotonic() - begun < seconds
        time.sleep(0.1)
    assert_problem(http.get("/v1/usage"), 401, "UNAUTHENTICATED")
