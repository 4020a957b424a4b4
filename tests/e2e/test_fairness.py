"""Workspaces take turns at the indexer."""

from __future__ import annotations

from tests.e2e.indexer_log import IndexerLog
from tests.e2e.system import System, Workspace, indexed, until

DOCUMENTS = "/v1/knowledge/documents"
PUSHED = 400
# That an indexer claims together.
BATCH = 16


def test_a_crowd_delays_another_workspace_by_two_batches_at_most(system: System) -> None:
    """While one workspace pushes hundreds of documents, another's single one has its turn at once."""
    crowd, single = system.workspace("fair-crowd"), system.workspace("fair-single")
    log = IndexerLog(system)
    begun = log.mark()
    _push(crowd, range(PUSHED // 2))
    # In the middle: the indexer is at work on them.
    until(lambda: next(log.since(begun), None) is not None, "the first of the crowd")
    page = {"title": "Keys", "content": "The spare key is under the third pot.\n"}
    document = single.http.post(DOCUMENTS, json=page).json()
    mark = log.mark()
    _push(crowd, range(PUSHED // 2, PUSHED))
    indexed(single.http, document)
    order = [each.document_id for each in log.since(mark)]
    assert order.index(document["id"]) <= 2 * BATCH
    # The others were not just done.
    assert crowd.http.get("/v1/knowledge/index").json()["pending"] > 0


def _push(workspace: Workspace, numbers: range) -> None:
    pages = [
        {"external_id": f"p{each}", "title": f"Page {each}", "content": f"Drawer {each} holds screws.\n"}
        for each in numbers
    ]
    answer = workspace.http.post(f"{DOCUMENTS}/batch", json={"documents": pages})
    assert answer.status_code == 202, answer.text
