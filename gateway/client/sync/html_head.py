"""What the head of an HTML page says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from gateway.client.sync.web import AGENT

# A head that goes on for longer has said what it has to say.
_READ = 256 * 1024
_DECLARED = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MOST_LANGUAGE = 35


@dataclass
class HtmlHead:
    """`title` is the page's, or its first heading; `locale` a BCP 47 tag; both may be empty."""

    title: str = ""
    locale: str = ""
    indexable: bool = True


def html_text(body: bytes, charset: str) -> str:
    """Decodes a page: by its byte order mark, the `charset` of its header, its own word, UTF-8, in order."""
    if body.startswith(b"\xef\xbb\xbf"):
        return body[3:].decode("utf-8", errors="replace")
    declared = _DECLARED.search(body[:1024])
    named = [charset, declared.group(1).decode("ascii") if declared else "", "utf-8"]
    for name in filter(None, named):
        try:
            return body.decode(name)
        except (LookupError, ValueError):
            continue
    return body.decode("windows-1252", errors="replace")


def html_head(text: str) -> HtmlHead:
    """Reads the head of a page."""
    reader = _Reader()
    reader.feed(text[:_READ])
    head = reader.head
    head.title = " ".join((reader.texts["title"] or reader.texts["h1"]).split())
    return head


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.head = HtmlHead()
        self.texts = {"title": "", "h1": ""}
        self._open = ""
        self._read: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in self.texts and tag not in self._read:
            self._open = tag
        elif tag == "html" and not self.head.locale:
            language = given.get("lang", "").strip()
            if len(language) <= _MOST_LANGUAGE and _LANGUAGE.fullmatch(language):
                self.head.locale = language
        elif tag == "meta" and given.get("name", "").lower() == "robots":
            self.head.indexable &= indexable(given.get("content", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._read.add(tag)
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open] += data


def indexable(directives: str) -> bool:
    """
    Whether robots' directives, of a header or of a page, let it into an index.

    A name before a directive, as in `googlebot: noindex`, is that of the robot that it is for.
    """
    for directive in directives.lower().split(","):
        robot, _, word = directive.rpartition(":")
        if robot.strip() in ("", AGENT) and word.strip() in ("noindex", "none"):
            return False
    return True
