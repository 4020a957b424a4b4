"""Random kills of whatever makes documents searchable, under writes of every kind and re-indexes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.system import System, Workspace, until
from tests.faults.editing import DOCUMENTS, SEARCH, Editor, Expectation, Insistent, Kept, Reindexer

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
PROCESSES = ("indexer", "knowledge", "vector_search")
# Of a process that was just killed: some are killed again before they are ready.
AGAIN = 0.2
SETTLED_SECONDS = 120.0


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_killed_at_any_moment_nothing_is_lost_doubled_or_left(system: System) -> None:
    """
    Processes are killed at random moments while documents change and the index is made anew.

    At the end every acknowledged write is searchable, nothing is there twice, nothing that was deleted or
    replaced is found, and no operation is left running.
    """
    print(f"FAULT_SEED={SEED}")
    chance = random.Random(SEED)
    workspace = system.workspace(f"kills-{SEED}", plan="enterprise")
    editors = [Editor(workspace, name, random.Random(f"{SEED}{name}")) for name in ("a", "b")]
    clients: list[Insistent] = [*editors, Reindexer(workspace, "r", random.Random(f"{SEED}r"))]
    for each in clients:
        each.start()
    for name in _order(chance):
        time.sleep(chance.uniform(0.05, 1.5))
        _kill(system, name, chance)
    time.sleep(1)
    for each in clients:
        each.finish()

    assert [problem for each in clients for problem in each.problems] == [], f"FAULT_SEED={SEED}"
    assert all(each.kept or each.gone for each in editors)
    until(lambda: not _running(workspace), f"all operations to end (FAULT_SEED={SEED})", SETTLED_SECONDS)
    until(lambda: _index(workspace)["pending"] == 0, f"an empty queue (FAULT_SEED={SEED})", SETTLED_SECONDS)
    expected = Expectation.of(editors)
    documents = list(_all(workspace, DOCUMENTS))
    states = {each["external_id"]: (each["id"], each["status"]) for each in documents}
    assert len(states) == len(documents), f"a document is there twice (FAULT_SEED={SEED})"
    assert states == {name: (each.id, "indexed") for name, each in expected.kept.items()}
    for document in expected.kept.values():
        _assert_found_as_it_is(workspace, document, expected.retired)
    for word in sorted(expected.retired):
        _assert_not_found(workspace, word, expected)


def _order(chance: random.Random) -> Iterator[str]:
    """Every process once in the short run; whichever in the long one."""
    if ROUNDS == 1:
        yield from chance.sample(PROCESSES, len(PROCESSES))
    else:
        yield from (chance.choice(PROCESSES) for _ in range(ROUNDS))


def _kill(system: System, name: str, chance: random.Random) -> None:
    starts = system.kill(name)
    if chance.random() < AGAIN:
        until(lambda: system.processes()[name]["starts"] > starts, f"{name} to be started again")
        time.sleep(chance.uniform(0, 1))
        starts = system.kill(name)
    system.wait_restarted(name, starts)


def _assert_found_as_it_is(workspace: Workspace, document: Kept, retired: set[str]) -> None:
    """Searches in one document return each of its passages once, and none that it had before."""
    results = _search(workspace, document.words[0], [document.id])
    excerpts = [each["excerpt"] for each in results]
    if not document.active:
        assert excerpts == []
        return
    assert len({each["chunk_id"] for each in results}) == len(excerpts) == len(set(excerpts)), excerpts
    text = "\n".join(excerpts)
    assert [word for word in document.words if word not in text] == [], f"FAULT_SEED={SEED}"
    assert [word for word in retired if f" {word} " in text] == [], f"FAULT_SEED={SEED}"
    tagged = _search(workspace, document.words[0], [document.id], tags=["x", "y", "z"])
    assert bool(tagged) == bool(document.tags)


def _assert_not_found(workspace: Workspace, word: str, expected: Expectation) -> None:
    results = _search(workspace, word, [])
    assert [each for each in results if f" {word} " in each["excerpt"]] == [], f"FAULT_SEED={SEED}"
    assert [each for each in results if each["document_id"] in expected.gone] == [], f"FAULT_SEED={SEED}"


def _search(
    workspace: Workspace, message: str, ids: list[str], tags: list[str] | None = None
) -> list[dict[str, Any]]:
    filters = {"document_ids": ids, "tags": tags or []}
    body = {"message": message, "filters": filters, "exact": True, "max_results": 50}
    answer = workspace.http.post(SEARCH, json=body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def _index(workspace: Workspace) -> dict[str, Any]:
    state: dict[str, Any] = workspace.http.get("/v1/knowledge/index").json()
    return state


def _running(workspace: Workspace) -> list[dict[str, Any]]:
    operations = _all(workspace, "/v1/knowledge/operations")
    return [each for each in operations if each["status"] in ("queued", "running")]


def _all(workspace: Workspace, path: str) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        page = workspace.http.get(path, params={"page_size": 200, "page_token": token}).json()
        yield from page["items"]
        token = page.get("next_page_token", "")
        if not token:
            return
