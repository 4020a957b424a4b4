from __future__ import annotations

import os
import time

import pytest

from tests.e2e.system import System, Workspace, until
from tests.faults.clients import Asker, Client, Pusher

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
PROCESSES = ("valkey", "access", "knowledge", "indexer", "vector_search", "conversations", "query", "envoy")
QUESTION = "When are the lanterns at the harbour lit?"
# Work before the kill and after the restart.
BEFORE, AFTER = 0.7, 0.7


@pytest.fixture(scope="module")
def workspace(system: System) -> Workspace:
    """A workspace with a page that answers the question."""
    made = system.workspace("faults", plan="enterprise")
    page = {"title": "Lanterns", "content": "The lanterns at the harbour are lit at seven in the evening.\n"}
    document = made.http.post("/v1/knowledge/documents", json=page).json()
    path = f"/v1/knowledge/documents/{document['id']}"
    until(lambda: made.http.get(path).json()["status"] == "indexed", "the page to be indexed")
    return made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_process_loses_nothing(system: System, workspace: Workspace, name: str, number: int) -> None:
    """
    A process is killed outright while documents are pushed and questions asked.

    Afterwards every acknowledged document is found, every answered question is in a transcript and counted.
    Callers saw good answers or a proper 503; only while the gateway itself is gone could they not connect.
    """
    before = _used(workspace)
    gateway_gone = name == "envoy"
    pusher = Pusher(workspace, f"{name}{number}", lambda: gateway_gone)
    askers = [Asker(workspace, QUESTION, lambda: gateway_gone) for _ in range(2)]
    clients: list[Client] = [pusher, *askers]
    for client in clients:
        client.start()
    time.sleep(BEFORE)
    starts = system.kill(name)
    system.wait_restarted(name, starts)
    until(lambda: _answers_again(askers), "answers after the restart", seconds=60)
    time.sleep(AFTER)
    for client in clients:
        client.finish()

    assert [problem for client in clients for problem in client.problems] == []
    assert pusher.acknowledged
    _assert_all_found(workspace, pusher.acknowledged)
    _assert_all_stored(workspace, [pair for asker in askers for pair in asker.answered])
    answered = sum(len(asker.answered) for asker in askers)
    # A question that was answered and counted may have lost its answer on the way: one of each asker.
    until(lambda: answered <= _used(workspace) - before <= answered + len(askers), "all to be counted")


def _used(workspace: Workspace) -> int:
    used: int = workspace.http.get("/v1/usage").json()["queries"]["used"]
    return used


def _answers_again(askers: list[Asker]) -> bool:
    before = [len(asker.answered) for asker in askers]
    time.sleep(0.3)
    return all(len(asker.answered) > count for asker, count in zip(askers, before, strict=True))


def _assert_all_found(workspace: Workspace, acknowledged: dict[str, str]) -> None:
    ids: dict[str, str] = {}

    def all_indexed() -> bool:
        for external_id in acknowledged.keys() - ids.keys():
            listed = workspace.http.get("/v1/knowledge/documents", params={"external_id": external_id})
            items = listed.json()["items"]
            assert len(items) == 1, f"{external_id} was acknowledged and is not there"
            assert items[0]["status"] != "failed", items[0]
            if items[0]["status"] == "indexed":
                ids[external_id] = items[0]["id"]
        return len(ids) == len(acknowledged)

    until(all_indexed, "all acknowledged documents to be indexed", seconds=90)
    for external_id, word in acknowledged.items():
        body = {"message": f"Where is the {word} kept?", "max_results": 50}
        results = workspace.http.post("/v1/search", json=body).json()["results"]
        assert ids[external_id] in [each["document_id"] for each in results], f"{external_id} is not found"


def _assert_all_stored(workspace: Workspace, answered: list[tuple[str, str]]) -> None:
    missing = list(answered)

    def all_stored() -> bool:
        missing[:] = [pair for pair in missing if not _is_stored(workspace, *pair)]
        return not missing

    until(all_stored, f"all of {len(answered)} answers to be in a transcript", seconds=60)


def _is_stored(workspace: Workspace, conversation_id: str, message_id: str) -> bool:
    answer = workspace.http.get(f"/v1/conversations/{conversation_id}")
    if answer.status_code != 200:
        return False
    return message_id in [each["id"] for each in answer.json()["messages"]]
