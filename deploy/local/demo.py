"""The demo workspace: made once, filled with the sample knowledge base."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.data_directory import DataDirectory, read_json, write_json
from deploy.local.installation import Addresses
from gateway.client.client import SupportAgent
from gateway.client.delivery import PushResult
from gateway.client.errors import ApiError
from gateway.client.operator import Operator
from gateway.client.push import Push

WORKSPACE = "demo"
PLAN = "scale"
SCOPES = (
    "query",
    "knowledge:read",
    "knowledge:write",
    "conversations:read",
    "conversations:write",
    "actions:read",
    "actions:run",
)
SAMPLE = Path(__file__).with_name("sample_kb")
QUESTION = "How long does the free trial last?"
PATIENCE = 30.0


def prepare_demo(data: DataDirectory, addresses: Addresses) -> PushResult:
    """
    Makes workspace and key where they are missing, and brings the sample pages into the index.

    Raises:
        ClientError: the system refused or does not answer.
    """
    key = demo_key(data, addresses)
    with SupportAgent(addresses.gateway_url, key, patience=PATIENCE) as workspace:
        return Push(workspace, poll=0.2).run(SAMPLE, lambda done, total: None)


def demo_key(data: DataDirectory, addresses: Addresses) -> str:
    """The demo workspace's key: the one in `demo.json` if it is still good, else a new one."""
    kept = str((read_json(data.demo) or {}).get("key", ""))
    if kept and _opens(kept, addresses):
        return kept
    token = data.operator_token.read_text().strip()
    with Operator(addresses.operator_url, token, patience=PATIENCE) as operator:
        try:
            operator.create_workspace(WORKSPACE, plan=PLAN)
        except ApiError as error:
            if error.code != "WORKSPACE_NAME_TAKEN":
                raise
        key = operator.create_key(WORKSPACE, SCOPES, name="demo")["key"]
    write_json(data.demo, {"workspace": WORKSPACE, "key": key})
    return str(key)


def _opens(key: str, addresses: Addresses) -> bool:
    with SupportAgent(addresses.gateway_url, key, patience=PATIENCE) as workspace:
        try:
            workspace.index()
        except ApiError as error:
            if error.status != 401:
                raise
            return False
    return True


def curl_line(data: DataDirectory, addresses: Addresses) -> str:
    """A command that asks the demo workspace a question."""
    key = (read_json(data.demo) or {}).get("key", "")
    body = json.dumps({"message": QUESTION})
    return (
        f"curl -s {addresses.gateway_url}/v1/query -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
