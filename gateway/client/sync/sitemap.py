"""Sitemaps (sitemaps.org, protocol 0.9)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_URLS = 50_000
MAX_BYTES = 50 * 1024 * 1024

_GZIP = b"\x1f\x8b"
_LONGEST_URL = 2_048


class NoSitemap(Exception):
    """What was fetched is no sitemap, and why."""


@dataclass
class Sitemap:
    """Either the URLs of pages, or, for an index, those of more sitemaps; each once, in order."""

    pages: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


def parse_sitemap(body: bytes) -> Sitemap:
    """
    Reads a sitemap or an index of them, gzipped or not.

    Raises:
        NoSitemap: it is none, is over the protocol's limits, or declares a document type, whose entities are
            how XML reads files and grows without end.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(_inflated(body), True)
    except expat.ExpatError as error:
        raise NoSitemap(f"It is no XML: {expat.ErrorString(error.code)}.") from None
    return reader.sitemap


def _refuse_doctype(*_: object) -> None:
    raise NoSitemap("It declares a document type.")


def _inflated(body: bytes) -> bytes:
    if body.startswith(_GZIP):
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            body = inflater.decompress(body, MAX_BYTES + 1)
        except zlib.error:
            raise NoSitemap("It is broken gzip.") from None
    if len(body) > MAX_BYTES:
        raise NoSitemap(f"It has more than {MAX_BYTES:,} bytes.")
    return body


class _Reader:
    """Takes each `loc` right below a `url` or a `sitemap`."""

    def __init__(self) -> None:
        self.sitemap = Sitemap()
        self._path: list[str] = []
        self._text: list[str] = []
        self._seen: set[str] = set()

    def start(self, name: str, _attributes: object) -> None:
        name = name.rpartition(" ")[2]
        if not self._path and name not in ("urlset", "sitemapindex"):
            raise NoSitemap("Its root is neither urlset nor sitemapindex.")
        self._path.append(name)
        self._text = []

    def text(self, text: str) -> None:
        self._text.append(text)

    def end(self, _name: str) -> None:
        parent = self._path[-2] if self._path[-1] == "loc" and len(self._path) > 1 else ""
        found = {"url": self.sitemap.pages, "sitemap": self.sitemap.sitemaps}.get(parent)
        self._path.pop()
        url = "".join(self._text).strip()
        self._text = []
        if found is None or not url or len(url) > _LONGEST_URL or url in self._seen:
            return
        if len(self._seen) == MAX_URLS:
            raise NoSitemap(f"It has more than {MAX_URLS:,} URLs.")
        self._seen.add(url)
        found.append(url)
