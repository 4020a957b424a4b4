"""Documents that are meant to do harm: each ends, with a reason, and holds up nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.system import System, Workspace, indexed, until
from tests.formats import DOCX, ENCRYPTED_DOCX, ENCRYPTED_PDF, PDF, W, docx, pdf

DOCUMENTS = "/v1/knowledge/documents"
# Public files and strings that broke others; beside a checkout of some developers.
SHARED = Path(__file__).parents[3] / "shared" / "evaldata" / "bad_inputs"
CODES = {
    "EXTRACTION_FAILED",
    "EXTRACTION_TOO_LARGE",
    "EXTRACTION_TIMEOUT",
    "ENCRYPTED_DOCUMENT",
    "TOO_MANY_CHUNKS",
    "INDEX_TOO_LARGE",
}
ENTITIES = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
LAUGHS = f"<!DOCTYPE l [<!ENTITY a0 'ha'>{ENTITIES}]>"
HOSTILE: dict[str, tuple[str, bytes]] = {
    "zip bomb": (DOCX, docx("", {"word/document.xml": b" " * (100 << 20)})),
    "billion laughs": (DOCX, docx("", {"word/document.xml": f"{LAUGHS}<w:d xmlns:w='{W}'>&a9;</w:d>"})),
    "endless tables": (DOCX, docx("<w:tbl><w:tr><w:tc>" * 5000)),
    "locked Word": (DOCX, ENCRYPTED_DOCX),
    "locked PDF": (PDF, ENCRYPTED_PDF),
    "flate bomb": (PDF, pdf([[]], stream=b"q " * (50 << 20))),
    "pages of pages": (PDF, pdf([[]]).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]")),
    "half a PDF": (PDF, pdf([[]] * 50)[:2000]),
    "deep page": ("text/html", b"<div>" * 200_000),
    "very wide table": ("text/html", b"<table><tr>" + b"<td>x" * 300_000),
    "wide spans": ("text/html", b"<table>" + b"<tr><td colspan=9999 rowspan=9999>x" * 20_000),
    "deep quotes": ("text/markdown", b"> " * 100_000 + b"x"),
    "brackets": ("text/markdown", b"[" * 100_000 + b"](" * 20_000),
    "emphasis": ("text/markdown", b"*a _b " * 20_000),
    "backticks": ("text/markdown", b"".join(b"x" + b"`" * n for n in range(1, 500))),
    "front matter": ("text/markdown", b"---\na: &a [" + b"*a," * 100_000 + b"]\n---\ntext"),
    "one word": ("text/plain", b"x" * (1 << 20)),
    "controls": ("text/plain", bytes(range(1, 32)) * 1000),
}


@pytest.fixture(scope="module")
def hostile(system: System) -> Workspace:
    """A workspace that sends what nobody should."""
    return system.workspace("hostile")


def document(name: str, content_type: str, content: bytes) -> dict[str, Any]:
    given = {"content_base64": base64.b64encode(content).decode()}
    return {"external_id": name, "title": name, "content_type": content_type, **given}


def ended(workspace: Workspace, operation: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Waits for the end of an operation, checks that each failure has a reason, and returns it."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(workspace.http.get(f"/v1/knowledge/operations/{operation['id']}").json())
        return found["status"] not in ("queued", "running")

    until(has_ended, f"the end of {operation['id']}", seconds)
    assert found["status"] in ("succeeded", "failed", "partially_failed")
    assert found["done"] + found["failed"] == found["total"]
    for error in found["errors"]:
        assert error["code"] in CODES | {"INVALID_ARGUMENT"}, error
        assert error["detail"], error
    return found


def sent(workspace: Workspace, documents: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Sends documents in batches that a body has room for; yields the operations."""
    batch: list[dict[str, Any]] = []
    size = 0
    for each in [*documents, None]:
        weight = 0 if each is None else len(json.dumps(each))
        if batch and (each is None or len(batch) == 500 or size + weight > (8 << 20)):
            answer = workspace.http.post(f"{DOCUMENTS}/batch", json={"documents": batch})
            assert answer.status_code == 202, answer.text
            yield answer.json()
            batch, size = [], 0
        if each is not None:
            batch.append(each)
            size += weight


@pytest.mark.timeout(600)
def test_each_hostile_document_ends_with_a_reason(hostile: Workspace, scratch: Workspace) -> None:
    """All end, as documents with passages or as failures; another workspace's is indexed meanwhile."""
    documents = [document(name, *given) for name, given in HOSTILE.items()]
    operations = list(sent(hostile, documents))
    good = scratch.http.post(DOCUMENTS, json={"title": "Good", "content": "A good page."}).json()
    until(lambda: scratch.http.get(f"{DOCUMENTS}/{good['id']}").json()["status"] == "indexed", "it", 120)
    errors = {
        error["external_id"]: error["code"]
        for operation in operations
        for error in ended(hostile, operation, seconds=400)["errors"]
    }
    assert errors["zip bomb"] == "EXTRACTION_TOO_LARGE"
    assert errors["billion laughs"] == "EXTRACTION_FAILED"
    assert errors["locked Word"] == errors["locked PDF"] == "ENCRYPTED_DOCUMENT"
    assert errors["deep page"] in ("EXTRACTION_TIMEOUT", "EXTRACTION_FAILED")
    assert {"front matter", "controls"}.isdisjoint(errors)
    # The indexer is none the worse.
    after = hostile.http.post(DOCUMENTS, json={"title": "After", "content": "A page."}).json()
    assert indexed(hostile.http, after)["chunks"] == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="The files are not here.")
@pytest.mark.timeout(600)
def test_files_that_broke_others(hostile: Workspace) -> None:
    """PDF, Word and Markdown that programs choke on: each is indexed or fails with a reason."""
    documents = []
    for folder, end, content_type in (("pdf", ".pdf", PDF), ("docx", ".docx", DOCX)):
        for path in sorted((SHARED / "files" / folder).glob(f"*{end}")):
            documents.append(document(path.name, content_type, path.read_bytes()))
    commonmark = SHARED / "files" / "commonmark"
    documents.append(document("spec.txt", "text/markdown", (commonmark / "spec.txt").read_bytes()))
    for line in (commonmark / "examples.jsonl").read_text().splitlines():
        example = json.loads(line)
        content = example["markdown"].encode("utf-8", "replace")
        documents.append(document(f"example {example['_id']}", "text/markdown", content))
    for operation in list(sent(hostile, documents)):
        ended(hostile, operation, seconds=400)


@pytest.mark.skipif(not SHARED.is_dir(), reason="The files are not here.")
def test_bodies_that_broke_others(hostile: Workspace) -> None:
    """JSON of all sorts, as a body and within one, is taken or refused, and never a fault of ours."""
    for path in sorted((SHARED / "files" / "json").glob("*.json")):
        given = path.read_bytes()
        for body in (given, b'{"title": "x", "content": ' + given + b"}"):
            for route in (DOCUMENTS, f"{DOCUMENTS}/batch", "/v1/query"):
                headers = {"content-type": "application/json"}
                answer = hostile.http.post(route, content=body, headers=headers)
                assert answer.status_code < 500, (path.name, route, answer.text)


@pytest.mark.skipif(not SHARED.is_dir(), reason="The files are not here.")
@pytest.mark.timeout(600)
def test_strings_that_broke_others(hostile: Workspace) -> None:
    """As content, title, tag, metadata and id, in bodies and in paths: taken, or refused by name."""
    lines = (SHARED / "strings.jsonl").read_text().strip("\n").split("\n")
    texts = [text for text in (json.loads(line)["text"] for line in lines) if is_text(text)]
    documents = [
        {
            "external_id": text[:512],
            "title": text[:500],
            "content": text,
            "tags": [text[:64]],
            "metadata": {text[:64]: text[:512]},
        }
        for text in texts
    ]
    operations = list(sent(hostile, documents))
    # A segment of dots is not sent: clients resolve it.
    for text in (each for each in texts if each not in ("", ".", "..")):
        path = f"{DOCUMENTS}/by-external-id/{quote(text[:512], safe='')}"
        answer = hostile.http.put(path, json={"title": "t", "content": text[:200]})
        assert answer.status_code in (202, 400, 404), (text, answer.text)
        if answer.status_code == 202:
            assert answer.json()["external_id"] == text[:512]
            assert hostile.http.delete(path).status_code == 202
    for operation in operations:
        ended(hostile, operation, seconds=400)


def is_text(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:
        return False
