"""Tenancy is in the signature: what a repository does, it does for one workspace."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPOSITORIES = [*ROOT.glob("services/*/storage/*.py"), *ROOT.glob("gateway/access/storage/*.py")]

# Classes that hold no rows of several workspaces, and why.
ELSEWHERE = {
    "SqlTransaction": "hands out repositories",
    "SqlStore": "opens transactions",
    "DataDirectory": "a folder with one file per workspace",
    "WorkspaceFile": "the file of one workspace",
    "ChangeWriter": "the file of one workspace",
    "IndexFolder": "the index of one workspace",
    "Draft": "the index of one workspace",
    "VectorFile": "the vectors of one workspace",
    "Part": "a file of the index of one workspace",
    "Manifest": "the index of one workspace",
    "StoredTurns": "takes the caller, who has the workspace",
    "CountedQuestions": "takes the caller, who has the workspace",
    "LateWriter": "a thread",
    "StoredWorkspaces": "the table of workspaces itself",
}

# Methods that work for all workspaces at once, and why.
FOR_ALL = {
    "SqlQueue.waits": "the indexer looks whether there is work at all",
    "SqlQueue.claim": "the indexer takes work fairly from all",
    "SqlQueue.renew": "claims name their workspace",
    "SqlQueue.left_alone": "names where documents wait for a model that an indexer does not have",
    "SqlDeletions.waiting": "names the workspaces in which something is being erased",
    "SqlVersions.expired": "names the workspace whose versions are to be pruned",
    "SqlHistory.with_ended": "names a workspace that has operations to be pruned",
    "SqlHistory.with_buried": "names the workspaces that may have tombstones to be pruned",
    "SqlBases.reindexing": "names the workspaces whose re-index goes on",
    "SqlReindexes.discarded": "names what is to be removed, with its workspace",
    "SqlReplicas.following": "a replica is told of the re-indexes of all",
    "SqlReplicas.hold_still": "replicas serve all",
    "SqlReplicas.renew": "a replica serves all",
    "SqlReplicas.behind": "a replica follows all",
    "SqlReplicas.confirmable": "names the workspaces to settle",
    "SqlStocks.unreported": "names the workspaces to report",
    "SqlStocks.reported": "stocks name their workspace",
    "StoredKeys.find": "a key is how the workspace is found",
    "StoredKeys.add": "a key names its workspace",
    "StoredKeys.change": "the operator's, by the key's id",
    "StoredKeys.page": "takes the workspace with its twin",
    "StoredLedger.take_over": "what services report of all; counts and stocks name their workspace",
    "StoredLedger.totals_of": "takes several workspaces",
    "StoredKeys.touch": "keys by their ids",
    "StoredUserKeys.add": "a key names its workspace",
    "StoredUserKeys.change": "the operator's, by the key's kid",
    "StoredUserKeys.page": "takes the workspace with its twin",
    "StoredAudit.append": "an entry names its workspace",
    "StoredAudit.page": "the operator's, of one workspace with its twin or of all",
}


def methods() -> Iterator[tuple[str, str, str]]:
    """Yield class, method and first parameter of all public methods of all repositories."""
    for file in REPOSITORIES:
        for room in ast.parse(file.read_text()).body:
            if not isinstance(room, ast.ClassDef) or room.name in ELSEWHERE:
                continue
            for method in room.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    parameters = [each.arg for each in method.args.args if each.arg != "self"]
                    yield room.name, method.name, next(iter(parameters), "")


def test_every_repository_method_takes_the_workspace_first() -> None:
    """A method without a workspace is one of the few that are listed with their reason."""
    without = {f"{room}.{method}" for room, method, first in methods() if first != "workspace_id"}
    assert without == set(FOR_ALL)
