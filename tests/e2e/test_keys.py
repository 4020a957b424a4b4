from __future__ import annotations

import json
import time

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, client


def test_revoked_key_is_refused_within_five_seconds(system: System, leaf: Workspace) -> None:
    """A revoked key that was just in use is refused everywhere within 5 s."""
    key = system.key_for("leaf", "query")
    assert key.http.post("/v1/search", json={"message": QUESTION}).status_code == 200
    system.cli("keys", "revoke", key.key_id)
    revoked = time.monotonic()
    while key.http.post("/v1/search", json={"message": QUESTION}).status_code == 200:
        assert time.monotonic() - revoked < 5
        time.sleep(0.1)
    assert_problem(key.http.post("/v1/search", json={"message": QUESTION}), 401, "UNAUTHENTICATED")


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
