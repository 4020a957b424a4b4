from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.corpus import QUESTION
from tests.e2e.system import System, Workspace, assert_problem, until

# PUT comes last, since it makes what DELETE would then find.
METHODS = ("get", "post", "patch", "delete", "put")
# What names a new thing in the caller's own workspace, whoever else uses the name.
MAKES_ITS_OWN = {("put", "/v1/knowledge/documents/by-external-id/{external_id}")}
# Right after the prober's own re-index has begun.
ROLLBACK = ("post", "/v1/knowledge/reindex/rollback")
# What a good body has beyond the fields that the description calls required.
MORE = {"title": {"content": "The prober's own page."}}


@dataclass(frozen=True)
class Belongings:
    """What one workspace has: an id for each kind of path variable, and all ids that nobody else may see."""

    variables: dict[str, str]
    ids: frozenset[str]


@pytest.fixture(scope="module")
def belongings(leaf: Workspace) -> Belongings:
    """The ids of `leaf`, with a conversation of its own."""
    answer = leaf.http.post("/v1/query", json={"message": QUESTION}).json()
    conversation = answer["conversation_id"]
    path = f"/v1/conversations/{conversation}"
    until(lambda: leaf.http.get(path).status_code == 200, "the conversation")
    documents = leaf.http.get("/v1/knowledge/documents", params={"page_size": 200}).json()["items"]
    operations = leaf.http.get("/v1/knowledge/operations").json()["items"]
    returns = next(each for each in documents if each["external_id"] == "orders/returns.md")
    variables = {
        "document_id": returns["id"],
        "external_id": returns["external_id"],
        "operation_id": operations[0]["id"],
        "conversation_id": conversation,
        "message_id": answer["message_id"],
        "version": "1",
    }
    ids = {each["id"] for each in [*documents, *operations]} | {conversation, answer["message_id"]}
    return Belongings(variables, frozenset(ids))


@pytest.fixture(scope="module")
def prober(system: System) -> Workspace:
    """Another workspace, which tries everything."""
    return system.workspace("prober")


@pytest.fixture(scope="module")
def specification(system: System, leaf: Workspace) -> dict[str, Any]:
    """The published description of all routes."""
    described: dict[str, Any] = leaf.http.get("/openapi.json").json()
    return described


def routes(specification: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All (method, path, operation) of the public API."""
    for path, item in specification["paths"].items():
        if path.startswith("/v1/"):
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]


def body_of(operation: dict[str, Any], specification: dict[str, Any]) -> Any:
    """The smallest body that the description allows; None where there is none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return _example(content["schema"], specification) if content else None


def _example(schema: dict[str, Any], specification: dict[str, Any]) -> Any:
    while "$ref" in schema:
        schema = specification["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            # A change has no required fields, but names at least one.
            required = schema.get("required") or [name for name in ("title",) if name in properties]
            example = {name: _example(properties[name], specification) for name in required}
            for name in required:
                example |= {key: value for key, value in MORE.get(name, {}).items() if key in properties}
            return example
        case "array":
            return [_example(schema["items"], specification)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return QUESTION


def test_every_route_keeps_workspaces_apart(
    specification: dict[str, Any], belongings: Belongings, leaf: Workspace, prober: Workspace
) -> None:
    """
    With another workspace's key its ids are 404 on every route, and no answer mentions anything of it.

    After another workspace has tried everything, documents, transcript and answers are as before.
    """
    tried = 0
    for method, path, operation in routes(specification):
        concrete = path
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            assert name in belongings.variables, f"{path}: give `leaf` something for {{{name}}}"
            concrete = concrete.replace(f"{{{name}}}", quote(belongings.variables[name]))
        body = body_of(operation, specification)
        answer = prober.http.request(method, concrete, **({} if body is None else {"json": body}))
        where = f"{method.upper()} {path}: {answer.status_code} {answer.text[:300]}"
        if concrete != path and (method, path) not in MAKES_ITS_OWN:
            assert answer.status_code == 404, where
            assert_problem(answer, 404, answer.json()["code"])
            assert answer.json()["code"].endswith("_NOT_FOUND"), where
            assert answer.json()["code"] != "ROUTE_NOT_FOUND", where
        elif (method, path) == ROLLBACK:
            assert answer.status_code == 409, where
        else:
            assert answer.status_code < 300, where
        assert not [each for each in belongings.ids if each in answer.text], where
        tried += 1
    assert tried >= 15

    document = leaf.http.get(f"/v1/knowledge/documents/{belongings.variables['document_id']}").json()
    assert (document["title"], document["status"], document["active"]) == ("Returns", "indexed", True)
    conversation = leaf.http.get(f"/v1/conversations/{belongings.variables['conversation_id']}").json()
    assert conversation["message_count"] == 2
    assert "17 days" in leaf.http.post("/v1/query", json={"message": QUESTION}).json()["answer"]


def test_same_question_gets_each_workspace_its_own_answer(leaf: Workspace, pot: Workspace) -> None:
    """Two workspaces with the same question are answered from their own pages, over every way of asking."""
    for path in ("/v1/query", "/v1/query/stream", "/v1/search"):
        ours = leaf.http.post(path, json={"message": QUESTION}).text
        theirs = pot.http.post(path, json={"message": QUESTION}).text
        assert "17 days" in ours
        assert "44 days" not in ours
        assert "44 days" in theirs
        assert "17 days" not in theirs


def test_ids_of_another_workspace_in_a_body(belongings: Belongings, pot: Workspace) -> None:
    """A conversation of another workspace is unknown, and its documents match no filter."""
    going_on = {"message": QUESTION, "conversation_id": belongings.variables["conversation_id"]}
    filtered = {"message": QUESTION, "filters": {"document_ids": [belongings.variables["document_id"]]}}
    for path in ("/v1/query", "/v1/query/stream", "/v1/search"):
        assert_problem(pot.http.post(path, json=going_on), 404, "CONVERSATION_NOT_FOUND")
        answer = pot.http.post(path, json=filtered)
        assert answer.status_code == 200
        assert "17 days" not in answer.text
    assert pot.http.post("/v1/search", json=filtered).json()["results"] == []


def test_key_in_use_by_another_workspace(scratch: Workspace, prober: Workspace) -> None:
    """The same Idempotency-Key in two workspaces is two keys."""
    headers = {"idempotency-key": "shared-by-two"}
    for workspace, title in ((scratch, "Ours"), (prober, "Theirs")):
        body = {"title": title, "content": "", "external_id": "shared-by-two"}
        answer = workspace.http.post("/v1/knowledge/documents", json=body, headers=headers)
        assert answer.status_code == 202
        assert answer.json()["title"] == title
        workspace.http.delete(f"/v1/knowledge/documents/{answer.json()['id']}")
