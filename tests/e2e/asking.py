"""Questions as end-to-end tests ask them: nothing is stored, and a stream has to say what it has told."""

from __future__ import annotations

from typing import Any

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, events_of

QUERY, STREAM, SEARCH = "/v1/query", "/v1/query/stream", "/v1/search"


def ask(workspace: Workspace, message: str = QUESTION, path: str = QUERY, **fields: Any) -> dict[str, Any]:
    """The answer; of a stream, which is checked to have told the same, its last event."""
    answer = workspace.http.post(path, json={"message": message, "store": False, **fields})
    assert answer.status_code == 200, answer.text
    if path == QUERY:
        whole: dict[str, Any] = answer.json()
        return whole
    events = events_of(answer)
    completed: dict[str, Any] = events[-1]["completed"]
    assert "".join(event["delta"]["text"] for event in events if "delta" in event) == completed["answer"]
    assert [event["citation"] for event in events if "citation" in event] == completed["citations"]
    assert events[0]["sources"]["items"] == completed["sources"]
    return completed


def thresholds(workspace: Workspace) -> dict[str, Any]:
    """The bounds that hold for a workspace's answers now."""
    bounds: dict[str, Any] = ask(workspace, explain=True)["explanation"]["thresholds"]
    return bounds


def configure(system: System, workspace: Workspace, *options: str) -> None:
    """Changes a workspace's settings by the command line."""
    system.cli("answering", "set", "--workspace", workspace.name, *options)
