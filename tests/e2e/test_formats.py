"""Documents of every format, from a file to an answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.system import System, Workspace, assert_problem, indexed, until
from tests.formats import DOCX, ENCRYPTED_PDF, PDF, Text, docx, paragraph, pdf, word_table

DOCUMENTS = "/v1/knowledge/documents"
HTML_PAGE = (
    "<!doctype html><title>Vases</title><nav><a href=/>Home</a></nav><div class=cookie-banner>We use cookies"
    "</div><main><h1>Vases</h1><h2>Glaze</h2><p>The heron vase is glazed in cobalt.</p></main>"
    "<footer>Imprint</footer>"
)
PDF_FILE = pdf(
    [
        [
            Text("Kilns", y=780, size=20),
            Text("Opening", y=750, size=14),
            Text("The otter kiln opens on Tuesdays.", y=730),
        ]
    ]
)
DOCX_FILE = docx(
    paragraph("Clay", "heading1")
    + paragraph("Prices", "heading2")
    + word_table([["Clay", "Price"], ["Badger clay", "14 euros"]])
)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def body(content_type: str, content: str | bytes, **fields: Any) -> dict[str, Any]:
    given = {"content": content} if isinstance(content, str) else {"content_base64": encoded(content)}
    return {"title": "A file", "content_type": content_type, **given, **fields}


def failed(workspace: Workspace, document: dict[str, Any]) -> dict[str, Any]:
    """Waits until a document has failed and returns why."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(workspace.http.get(f"{DOCUMENTS}/{document['id']}").json())
        return found["status"] in ("failed", "indexed")

    until(ended, "the document to fail", seconds=90)
    assert found["status"] == "failed", found
    error: dict[str, Any] = found["error"]
    return error


@pytest.mark.parametrize(
    ("content_type", "content", "question", "excerpt"),
    [
        ("text/html", HTML_PAGE, "How is the heron vase glazed?", "The heron vase is glazed in cobalt."),
        (PDF, PDF_FILE, "When does the otter kiln open?", "The otter kiln opens on Tuesdays."),
        (DOCX, DOCX_FILE, "What does badger clay cost?", "| Badger clay | 14 euros |"),
    ],
)
def test_a_file_can_be_found(
    scratch: Workspace, content_type: str, content: str | bytes, question: str, excerpt: str
) -> None:
    """What a page, a PDF or a Word document says is found, and what surrounds a page is not there."""
    document = indexed(scratch.http, scratch.http.post(DOCUMENTS, json=body(content_type, content)).json())
    answer = scratch.http.post("/v1/search", json={"message": question, "max_results": 1}).json()
    (result,) = answer["results"]
    assert result["document_id"] == document["id"]
    assert excerpt in result["excerpt"]
    assert "cookies" not in result["excerpt"]


def test_bytes_come_back_as_they_were(scratch: Workspace) -> None:
    """A PDF is given back in base64, a page as text."""
    sent = scratch.http.post(DOCUMENTS, json=body(PDF, PDF_FILE)).json()
    shown = scratch.http.get(f"{DOCUMENTS}/{sent['id']}").json()
    assert shown["content_base64"] == encoded(PDF_FILE)
    assert "content" not in shown
    assert (shown["bytes"], shown["content_type"]) == (len(PDF_FILE), PDF)
    page = scratch.http.post(DOCUMENTS, json=body("text/html", HTML_PAGE)).json()
    shown = scratch.http.get(f"{DOCUMENTS}/{page['id']}").json()
    assert shown["content"] == HTML_PAGE


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"content": "%PDF-1.7", "content_type": PDF}, "/content"),
        ({"content": "PK", "content_type": DOCX}, "/content"),
        ({"content_base64": "%%%", "content_type": PDF}, "/content_base64"),
        ({"content_base64": "/w==", "content_type": "text/html"}, "/content_base64"),
        ({"content": "x", "content_base64": "eA==", "content_type": "text/html"}, "/content_base64"),
        ({"content": "x", "content_type": "application/msword"}, "/content_type"),
        ({"content": "x" * (10 * 1024 * 1024 + 1), "content_type": "text/plain"}, "/content"),
    ],
)
def test_what_can_be_seen_at_once_is_refused(scratch: Workspace, given: dict[str, str], pointer: str) -> None:
    """A type that needs bytes, broken base64 and too much of it are named by their pointer."""
    answer = scratch.http.post(DOCUMENTS, json={"title": "A file", **given})
    problem = assert_problem(answer, 400, "INVALID_ARGUMENT")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("content_type", "content", "code"),
    [
        (PDF, b"This is no PDF.", "EXTRACTION_FAILED"),
        (DOCX, b"This is no archive.", "EXTRACTION_FAILED"),
        (PDF, ENCRYPTED_PDF, "ENCRYPTED_DOCUMENT"),
        ("text/plain", f"{'Many words of a paragraph of its own. ' * 40}\n\n" * 4_000, "TOO_MANY_CHUNKS"),
    ],
)
def test_what_is_seen_later_fails_with_a_reason(
    scratch: Workspace, content_type: str, content: str | bytes, code: str
) -> None:
    """The write is taken, the document fails."""
    answer = scratch.http.post(DOCUMENTS, json=body(content_type, content))
    assert answer.status_code == 202, answer.text
    error = failed(scratch, answer.json())
    assert error["code"] == code
    assert error["detail"]


def test_a_batch_has_bounds_in_all(scratch: Workspace) -> None:
    """Documents that are fine each can be too much together."""
    documents = [body("text/plain", "x" * (4 << 20), external_id=str(number)) for number in range(3)]
    answer = scratch.http.post(f"{DOCUMENTS}/batch", json={"documents": documents})
    problem = assert_problem(answer, 400, "INVALID_ARGUMENT")
    assert [each["pointer"] for each in problem["errors"]] == ["/documents"]


def test_front_matter_is_metadata_at_once(scratch: Workspace) -> None:
    """It is there in the answer to the write, and changes with the content."""
    content = "---\nteam: billing\nowner: Ann\ntags: [x]\n---\n\n# Page\n\nText."
    sent = scratch.http.post(DOCUMENTS, json=body("text/markdown", content, metadata={"owner": "Bob"})).json()
    assert sent["metadata"] == {"owner": "Bob", "team": "billing"}
    path = f"{DOCUMENTS}/{sent['id']}"
    changed = scratch.http.patch(path, json={"content": "---\nteam: sales\n---\nText."}).json()
    assert changed["metadata"] == {"owner": "Bob", "team": "sales"}


def test_a_type_and_its_content_go_together(scratch: Workspace) -> None:
    """A change may not leave a document with a content of another type."""
    page = scratch.http.post(DOCUMENTS, json=body("text/markdown", "# Page")).json()
    path = f"{DOCUMENTS}/{page['id']}"
    assert_problem(scratch.http.patch(path, json={"content_type": PDF}), 400, "INVALID_ARGUMENT")
    answer = scratch.http.patch(path, json={"content_base64": encoded(b"\xff")})
    assert_problem(answer, 400, "INVALID_ARGUMENT")
    both = {"content_type": PDF, "content_base64": encoded(PDF_FILE)}
    assert scratch.http.patch(path, json=both).json()["content_type"] == PDF
    assert_problem(scratch.http.patch(path, json={"content": "text"}), 400, "INVALID_ARGUMENT")


def test_a_folder_of_all_formats_is_pushed(system: System, tmp_path: Path) -> None:
    """`kb push` brings pages, PDF and Word documents; what is there is not sent again."""
    workspace = system.workspace("formats")
    (tmp_path / "vases.html").write_text(HTML_PAGE)
    (tmp_path / "kilns.pdf").write_bytes(PDF_FILE)
    (tmp_path / "clay.docx").write_bytes(DOCX_FILE)
    (tmp_path / "page.md").write_text("---\ntitle: A page\nteam: billing\n---\nText.")
    assert "4 created" in system.cli("kb", "push", str(tmp_path), key=workspace.key).stdout
    assert "4 unchanged" in system.cli("kb", "push", str(tmp_path), key=workspace.key).stdout
    found = {each["external_id"]: each for each in workspace.http.get(DOCUMENTS).json()["items"]}
    assert {name: each["title"] for name, each in found.items()} == {
        "vases.html": "Vases",
        "kilns.pdf": "kilns",
        "clay.docx": "clay",
        "page.md": "A page",
    }
    assert found["page.md"]["metadata"] == {"team": "billing"}
    assert all(each["status"] == "indexed" and each["chunks"] for each in found.values())
