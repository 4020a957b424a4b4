from __future__ import annotations

from typing import Any

from tests.e2e.system import Workspace, assert_problem, finished, indexed, until

DOCUMENTS = "/v1/knowledge/documents"


def create(workspace: Workspace, word: str, **fields: Any) -> dict[str, Any]:
    """Makes a document that only a search for `word` finds, and waits until it is in the index."""
    content = f"# About {word}\n\nThe {word} is kept in the cellar of the old mill.\n"
    answer = workspace.http.post(DOCUMENTS, json={"title": f"The {word}", "content": content, **fields})
    assert answer.status_code == 202, answer.text
    return indexed(workspace.http, answer.json())


def found(workspace: Workspace, word: str, **filters: Any) -> list[str]:
    """The documents that a search for `word` finds."""
    body = {"message": f"Where is the {word} kept?", "filters": filters}
    results = workspace.http.post("/v1/search", json=body).json()["results"]
    return [each["document_id"] for each in results]


def test_document_is_found_once_it_is_indexed(scratch: Workspace) -> None:
    """What is `indexed` can be found at once, and has its content and an ETag."""
    document = create(scratch, "zanthor", tags=["a"], metadata={"owner": "ann"})
    assert document["id"] in found(scratch, "zanthor")
    answer = scratch.http.get(f"{DOCUMENTS}/{document['id']}")
    assert answer.headers["etag"]
    assert "old mill" in answer.json()["content"]
    assert answer.json()["metadata"] == {"owner": "ann"}
    assert answer.json()["indexed_at"]


def test_hidden_document_is_not_found_until_it_is_shown_again(scratch: Workspace) -> None:
    """`active` takes effect without embedding again."""
    document = create(scratch, "quillbane")
    path = f"{DOCUMENTS}/{document['id']}"
    assert scratch.http.patch(path, json={"active": False}).status_code == 200
    until(lambda: document["id"] not in found(scratch, "quillbane"), "the document to be hidden")
    assert scratch.http.get(path).json()["status"] == "indexed"
    assert scratch.http.patch(path, json={"active": True}).status_code == 200
    until(lambda: document["id"] in found(scratch, "quillbane"), "the document to be shown")


def test_empty_list_clears_tags(scratch: Workspace) -> None:
    """`{"tags": []}` clears the list, and filters follow."""
    document = create(scratch, "wimbleton", tags=["cellar"])
    assert document["id"] in found(scratch, "wimbleton", tags=["cellar"])
    patched = scratch.http.patch(f"{DOCUMENTS}/{document['id']}", json={"tags": []})
    assert patched.json()["tags"] == []
    assert patched.json()["title"] == "The wimbleton"
    until(
        lambda: document["id"] not in found(scratch, "wimbleton", tags=["cellar"]), "the tag to be forgotten"
    )
    assert document["id"] in found(scratch, "wimbleton")


def test_deleted_document_is_never_found_again(scratch: Workspace) -> None:
    """Once the operation has succeeded no search returns the document."""
    document = create(scratch, "farrowmere")
    answer = scratch.http.delete(f"{DOCUMENTS}/{document['id']}")
    assert answer.status_code == 202
    operation = finished(scratch.http, answer.json())
    assert (operation["kind"], operation["status"]) == ("document_delete", "succeeded")
    assert operation["finished_at"]
    for _ in range(5):
        assert document["id"] not in found(scratch, "farrowmere")
    assert_problem(scratch.http.get(f"{DOCUMENTS}/{document['id']}"), 404, "DOCUMENT_NOT_FOUND")


def test_replacement_by_external_id(scratch: Workspace) -> None:
    """PUT creates, replaces and, with the same content, changes nothing; the id may hold slashes."""
    path = f"{DOCUMENTS}/by-external-id/guides/ümläut%20page.md"
    body = {"title": "Drumlin", "content": "The drumlin is behind the house.\n"}
    first = scratch.http.put(path, json=body)
    assert first.status_code == 202
    assert first.json()["external_id"] == "guides/ümläut page.md"
    indexed(scratch.http, first.json())
    same = scratch.http.put(path, json=body).json()
    assert (same["id"], same["status"]) == (first.json()["id"], "indexed")
    changed = scratch.http.put(path, json={**body, "content": "The drumlin is in front of the house.\n"})
    indexed(scratch.http, changed.json())
    assert changed.json()["id"] == first.json()["id"]
    taken = scratch.http.post(DOCUMENTS, json={**body, "external_id": "guides/ümläut page.md"})
    assert_problem(taken, 409, "EXTERNAL_ID_TAKEN")
    assert finished(scratch.http, scratch.http.delete(path).json())["status"] == "succeeded"
    assert_problem(scratch.http.delete(path), 404, "DOCUMENT_NOT_FOUND")


def test_stale_etag_is_refused(scratch: Workspace) -> None:
    """If-Match of an older state is 412 and changes nothing."""
    document = create(scratch, "ostrava")
    path = f"{DOCUMENTS}/{document['id']}"
    etag = scratch.http.get(path).headers["etag"]
    fresh = scratch.http.patch(path, json={"locale": "en"}, headers={"if-match": etag})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] != etag
    for stale in (
        scratch.http.patch(path, json={"locale": "de"}, headers={"if-match": etag}),
        scratch.http.delete(path, headers={"if-match": etag}),
    ):
        assert_problem(stale, 412, "ETAG_MISMATCH")
    assert scratch.http.get(path).json()["locale"] == "en"


def test_bad_document_in_a_batch_fails_alone(scratch: Workspace) -> None:
    """One bad document is named in the operation, the others are indexed; the same batch again is a no-op."""
    body = {
        "documents": [
            {"external_id": "batch/1", "title": "One", "content": "Sprocket one.\n"},
            {"external_id": "batch/2", "title": "", "content": "Sprocket two.\n"},
            {"external_id": "batch/3", "title": "Three", "content": "Sprocket three.\n"},
        ]
    }
    answer = scratch.http.post(f"{DOCUMENTS}/batch", json=body)
    assert answer.status_code == 202
    operation = finished(scratch.http, answer.json())
    assert (operation["status"], operation["total"], operation["done"]) == ("partially_failed", 3, 2)
    (error,) = operation["errors"]
    assert (error["index"], error["external_id"], error["code"]) == (1, "batch/2", "INVALID_ARGUMENT")
    again = finished(scratch.http, scratch.http.post(f"{DOCUMENTS}/batch", json=body).json())
    assert again["unchanged"] == 2


def test_idempotency_key_replays_and_refuses_another_body(scratch: Workspace) -> None:
    """The same key and body get the first answer, another body 422."""
    headers = {"idempotency-key": "create-once"}
    body = {"title": "Once", "content": "Only once.\n"}
    first = scratch.http.post(DOCUMENTS, json=body, headers=headers)
    second = scratch.http.post(DOCUMENTS, json=body, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    other = scratch.http.post(DOCUMENTS, json={**body, "title": "Twice"}, headers=headers)
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_lists_are_paged(scratch: Workspace) -> None:
    """Pages follow each other without gaps; a token of other filters is refused."""
    for number in range(3):
        create(scratch, f"pager{number}", tags=["paged"])
    params: dict[str, Any] = {"tag": "paged", "page_size": 2}
    first = scratch.http.get(DOCUMENTS, params=params).json()
    second = scratch.http.get(DOCUMENTS, params={**params, "page_token": first["next_page_token"]}).json()
    titles = [each["title"] for each in first["items"] + second["items"]]
    assert titles == ["The pager2", "The pager1", "The pager0"]
    assert second["next_page_token"] == ""
    other = scratch.http.get(DOCUMENTS, params={"tag": "x", "page_token": first["next_page_token"]})
    assert_problem(other, 400, "INVALID_ARGUMENT")
