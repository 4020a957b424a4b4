from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gateway.client.folder import Page, Unreadable, page_of, read_folder


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'From: matter'\n---\n# Heading\n", "From: matter"),
        ("---\ntitle:\n---\ntext\n\n## The *first* ##\n", "The *first*"),
        ("```\n# a comment\n```\n# Heading\n", "Heading"),
        ("#hashtag\nno heading\n", "page"),
        ("", "page"),
        ("---\ntitle: 404\n---\n", "404"),
        ("---\nbroken: [\n---\n# Heading\n", "Heading"),
    ],
)
def test_title(text: str, title: str) -> None:
    """The title is the front matter's, else the first heading's, else the file's name."""
    assert page_of("a/page.md", text).title == title


def test_front_matter_becomes_fields() -> None:
    """Tags, url, locale and audience of the front matter are fields, the rest is the content."""
    text = (
        "---\r\ntags: [billing, plans, billing]\r\nurl: https://h.example/p\r\nlocale: en\r\n"
        "audience: authenticated\r\nother: 1\r\n---\r\n\r\nBody\r\n"
    )
    page = page_of("p.markdown", text)
    assert page.content == "Body\r\n"
    assert page.tags == ("billing", "plans")
    assert (page.url, page.locale, page.audience) == ("https://h.example/p", "en", "authenticated")


def test_tags_may_be_a_line() -> None:
    """Tags separated by commas are tags too."""
    assert page_of("p.md", "---\ntags: a, b c,,\n---\n").tags == ("a", "b c")


def test_thematic_break_is_no_front_matter() -> None:
    """A page that begins with a line of dashes loses nothing."""
    assert page_of("p.md", "---\nJust text\n---\n").content == "---\nJust text\n---\n"


def test_plain_text_has_no_front_matter() -> None:
    """A text file is taken as it is and named by its file."""
    page = page_of("notes.txt", "---\ntitle: x\n---\n")
    assert (page.title, page.content_type, page.content) == ("notes", "text/plain", "---\ntitle: x\n---\n")


def test_custom_answers_are_told_by_their_name() -> None:
    """Their file has a type of its own, no front matter, and a title without either part of its end."""
    page = page_of("support/Quick v1.2.QA.json", "---\ntitle: x\n---\n[]")
    assert (page.title, page.content_type) == ("Quick v1.2", "application/vnd.supportagent.qa+json")
    assert page.content == "---\ntitle: x\n---\n[]"
    assert page.as_document()["external_id"] == "support/Quick v1.2.QA.json"


def test_other_json_is_left_alone(tmp_path: Path) -> None:
    """Only the whole end of a name makes a file custom answers."""
    for name in ("package.json", "qa.json", "faq_qa.json", ".qa.json", "a.qa.json.bak", "a.qa.json"):
        (tmp_path / name).write_text("[]")
    assert [each.external_id for each in read_folder(tmp_path)] == ["a.qa.json"]


def test_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    """Pages of all subfolders come in order; hidden ones and other kinds are left out."""
    for name in ("b/two.markdown", "a.MD", "b/three.txt", ".git/x.md", "b/.x.md", "b/picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "z.md").write_bytes(b"\xff\xfe")
    found = list(read_folder(tmp_path))
    assert [each.external_id for each in found] == ["a.MD", "b/three.txt", "b/two.markdown", "z.md"]
    assert isinstance(found[-1], Unreadable)


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    """A byte order mark does not hide the front matter."""
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf---\ntitle: T\n---\n")
    (page,) = read_folder(tmp_path)
    assert isinstance(page, Page)
    assert page.title == "T"


@pytest.mark.parametrize(
    "field", ["title", "content_sha256", "content_type", "url", "tags", "locale", "audience"]
)
def test_page_differs_from_a_document_by_any_field(field: str) -> None:
    """A document is the same page only while everything that a push sets is the same."""
    page = page_of("p.md", "---\ntags: [b, a]\n---\nBody")
    document = {
        **{key: value for key, value in page.as_document().items() if key != "content"},
        "url": "",
        "active": True,
        "tags": ["a", "b"],
        "content_sha256": hashlib.sha256(b"Body").hexdigest(),
    }
    assert page.same_as(document)
    assert page.same_as({**document, "active": False, "metadata": {"a": "b"}})
    assert not page.same_as({**document, field: ["other"] if field == "tags" else "other"})


def test_a_page_that_no_body_can_carry_is_unreadable(tmp_path: Path) -> None:
    """NUL or half a surrogate pair in content, front matter or name is told of that page alone."""
    (tmp_path / "a.txt").write_bytes(b"x\0y")
    (tmp_path / "b.md").write_bytes(b'---\ntitle: "\\ud800"\n---\nx')
    (tmp_path / "c.md").write_bytes(b'---\ntags: ["\\0"]\n---\nx')
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff.md")).write_text("x")
    (tmp_path / "e.md").write_text("fine \U0001f600")
    found = list(read_folder(tmp_path))
    assert [type(each) for each in found] == [Unreadable] * 4 + [Page]
    assert found[3].external_id == "d\\udcff.md"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """What is no regular file is told, not opened; so is a link that leads nowhere."""
    os.mkfifo(tmp_path / "a.md")
    (tmp_path / "b.md").symlink_to(tmp_path / "nothing")
    (tmp_path / "c.md").symlink_to(tmp_path)
    found = list(read_folder(tmp_path))
    assert [(each.external_id, type(each)) for each in found] == [("a.md", Unreadable), ("b.md", Unreadable)]


def test_front_matter_without_bottom() -> None:
    """YAML that is nested too deeply to be read is no front matter."""
    text = "---\na: " + "[" * 5_000 + "\n---\n# Heading\n"
    assert page_of("p.md", text).title == "Heading"


def test_other_front_matter_becomes_metadata() -> None:
    """Texts that are no fields of a document are its metadata; lists and empty ones are not."""
    page = page_of("p.md", "---\ntitle: T\nteam: billing\nversion: 2\nlist: [a]\nnone:\n---\nBody")
    assert page.metadata == {"team": "billing", "version": "2"}
    assert page.as_document()["metadata"] == {"team": "billing", "version": "2"}
    document = {**page.as_document(), "content_sha256": page.sha256, "metadata": {"team": "billing"}}
    assert not page.same_as(document)
    assert page.same_as({**document, "metadata": {**page.metadata, "more": "x"}})


def test_html_has_a_title_of_its_own(tmp_path: Path) -> None:
    """A page of HTML is told by its head, and decoded as it says."""
    source = '<html lang="de"><meta charset="iso-8859-1"><title>Verl\xe4ngern</title><p>gr\xfcn'
    (tmp_path / "renewal.HTML").write_bytes(source.encode("latin-1"))
    (page,) = read_folder(tmp_path)
    assert isinstance(page, Page)
    assert (page.title, page.locale, page.content_type) == ("Verlängern", "de", "text/html")
    assert page.content == source


def test_pdf_and_word_go_as_bytes(tmp_path: Path) -> None:
    """What is no text goes in base64, under its file's name."""
    (tmp_path / "Plan v1.2.pdf").write_bytes(b"%PDF-\xff\0")
    (tmp_path / "terms.docx").write_bytes(b"PK\3\4\xff")
    pages = [page.as_document() for page in read_folder(tmp_path) if isinstance(page, Page)]
    assert [(page["title"], page["content_base64"]) for page in pages] == [
        ("Plan v1.2", "JVBERi3/AA=="),
        ("terms", "UEsDBP8="),
    ]
    assert not any("content" in page for page in pages)


def test_files_beyond_the_limit_are_not_read(tmp_path: Path) -> None:
    """A file that no document can be is told, not sent."""
    with (tmp_path / "a.pdf").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    (found,) = read_folder(tmp_path)
    assert isinstance(found, Unreadable)
    assert "10 MiB" in found.reason
