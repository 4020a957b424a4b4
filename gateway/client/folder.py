"""A folder of pages on disk as documents of the API."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.client.front_matter import split_front_matter
from gateway.client.sync.html_head import html_head, html_text

HTML = "text/html"
CUSTOM_ANSWERS = "application/vnd.supportagent.qa+json"
# By the ends of their names; `.json` alone may be anything.
CONTENT_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".html": HTML,
    ".htm": HTML,
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".qa.json": CUSTOM_ANSWERS,
}
BINARY = frozenset({CONTENT_TYPES[".pdf"], CONTENT_TYPES[".docx"]})
LONGEST_TITLE = 500
LARGEST_BYTES = 10 * 1024 * 1024
TOO_LARGE = "The file is larger than 10 MiB."
# The API takes 16 pairs; one is for the name of a sync.
MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 15, 64, 512
_FIELDS = frozenset({"title", "url", "tags", "locale", "audience"})
NO_TEXT = "Its name, front matter or content holds a character that no text has."


@dataclass(frozen=True)
class Page:
    """
    One file as a document.

    `external_id` is its path below the folder, with `/`. `content` is the file, bytes where it is no text; of
    Markdown without its front matter, whose fields became fields of the document and its metadata.
    """

    external_id: str
    title: str
    content: str | bytes
    content_type: str
    url: str = ""
    tags: tuple[str, ...] = ()
    locale: str = ""
    audience: str = "public"
    metadata: Mapping[str, str] = field(default_factory=dict)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        content = self.content.encode() if isinstance(self.content, str) else self.content
        object.__setattr__(self, "sha256", hashlib.sha256(content).hexdigest())

    def is_text(self) -> bool:
        """Whether all of it is text that JSON can carry to the API: no NUL, no half of a surrogate pair."""
        texts = [self.external_id, self.title, self.url, self.locale, self.audience, *self.tags]
        texts += [*self.metadata, *self.metadata.values()]
        if isinstance(self.content, str):
            texts.append(self.content)
        return not any("\0" in text or _has_surrogates(text) for text in texts)

    def as_document(self) -> dict[str, Any]:
        """The page as the API takes it."""
        document: dict[str, Any] = {
            "external_id": self.external_id,
            "title": self.title,
            "content_type": self.content_type,
            "tags": list(self.tags),
            "locale": self.locale,
            "audience": self.audience,
        }
        if isinstance(self.content, str):
            document["content"] = self.content
        else:
            document["content_base64"] = base64.b64encode(self.content).decode()
        if self.url:
            document["url"] = self.url
        if self.metadata:
            document["metadata"] = dict(self.metadata)
        return document

    def same_as(self, document: dict[str, Any]) -> bool:
        """
        Whether the API's document (without its content) is this page already.

        `active` is no matter of the folder, nor is metadata that the page does not have.
        """
        metadata = document.get("metadata", {})
        return (
            document.get("content_sha256") == self.sha256
            and document.get("title", "") == self.title
            and document.get("content_type", "") == self.content_type
            and document.get("url", "") == self.url
            and sorted(document.get("tags", [])) == sorted(self.tags)
            and document.get("locale", "") == self.locale
            and document.get("audience", "") == self.audience
            and all(metadata.get(key) == value for key, value in self.metadata.items())
        )


@dataclass(frozen=True)
class Unreadable:
    """A file that can't become a document, and why."""

    external_id: str
    reason: str


def read_folder(folder: Path) -> Iterator[Page | Unreadable]:
    """
    Yields every file of a known kind below the folder, in order of path; hidden ones are left out.

    Known are Markdown, plain text, HTML, PDF, DOCX, and custom answers, whose names end in `.qa.json`.
    """
    for path in sorted(_files(folder)):
        external_id = path.relative_to(folder).as_posix()
        # A name that is no UTF-8 can't be printed everywhere.
        name = external_id.encode(errors="backslashreplace").decode()
        try:
            # Opening a pipe would wait for whoever writes to it.
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                yield Unreadable(name, "It is no regular file.")
                continue
            if status.st_size > LARGEST_BYTES:
                yield Unreadable(name, TOO_LARGE)
                continue
            page = page_of_file(external_id, path.read_bytes())
        except UnicodeDecodeError:
            yield Unreadable(name, "The file is not UTF-8 text.")
        except OSError as error:
            yield Unreadable(name, f"The file can't be read: {error.strerror}.")
        else:
            # The gateway refuses such a body as a whole: one page would take its batch along.
            yield page if page.is_text() else Unreadable(name, NO_TEXT)


def page_of_file(external_id: str, content: bytes) -> Page:
    """
    Makes a page of a file's bytes.

    Raises:
        UnicodeDecodeError: it should be text in UTF-8 and is not; HTML may be in another encoding.
    """
    stem, content_type = _named(external_id)
    if content_type in BINARY:
        return Page(external_id, stem[:LONGEST_TITLE], content, content_type)
    return page_of(
        external_id, html_text(content, "") if content_type == HTML else content.decode("utf-8-sig")
    )


def page_of(external_id: str, text: str) -> Page:
    """
    Makes a page of a file of text.

    Its title: of Markdown the front matter's or the first heading, of HTML its own, else the file's name.
    """
    stem, content_type = _named(external_id)
    if content_type == HTML:
        head = html_head(text)
        return Page(external_id, (head.title or stem)[:LONGEST_TITLE], text, HTML, locale=head.locale)
    if content_type != "text/markdown":
        return Page(external_id, stem[:LONGEST_TITLE], text, content_type)
    fields, content = split_front_matter(text)
    title = _text(fields.get("title")) or _first_heading(content) or stem
    return Page(
        external_id,
        title[:LONGEST_TITLE],
        content,
        content_type,
        url=_text(fields.get("url")),
        tags=_tags(fields.get("tags")),
        locale=_text(fields.get("locale")),
        audience=_text(fields.get("audience")) or "public",
        metadata=_metadata(fields),
    )


def _named(external_id: str) -> tuple[str, str]:
    """What a file's name says: itself without its end, and the type of the content."""
    name = Path(external_id).name
    end = _known_end(name)
    return name[: -len(end)], CONTENT_TYPES[end]


def _files(folder: Path) -> Iterator[Path]:
    for directory, subfolders, names in os.walk(folder):
        subfolders[:] = [each for each in subfolders if not each.startswith(".")]
        for name in names:
            if not name.startswith(".") and _known_end(name):
                yield Path(directory, name)


def _known_end(name: str) -> str:
    """Return the key of `CONTENT_TYPES` that a name ends in; nothing else is of a known kind."""
    lower = name.lower()
    return next((end for end in CONTENT_TYPES if lower.endswith(end) and lower != end), "")


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _tags(value: object) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(tag for tag in map(_text, given) if tag))


def _metadata(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields that are texts and no fields of a document, as far as the API has room for them."""
    pairs = {
        key: value.strip()
        for key, value in fields.items()
        if key not in _FIELDS
        and isinstance(key, str)
        and isinstance(value, str)
        and 0 < len(key) <= LONGEST_KEY
        and key.isprintable()
        and value.strip().isprintable()
        and 0 < len(value.strip()) <= LONGEST_VALUE
    }
    return dict(list(pairs.items())[:MOST_PAIRS])


def _first_heading(markdown: str) -> str:
    fence = ""
    for line in markdown.splitlines():
        mark = line.strip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        elif not fence and line.startswith("#"):
            heading = line.lstrip("#")
            if heading.startswith((" ", "\t")) and heading.strip(" #\t"):
                return heading.strip(" #\t")
    return ""
