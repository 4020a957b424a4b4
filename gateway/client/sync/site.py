"""The pages of a web site, as its sitemap lists them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.message import Message

import httpx

from gateway.client.errors import ClientError
from gateway.client.folder import LONGEST_TITLE, NO_TEXT, Page, Unreadable
from gateway.client.sync.html_head import html_head, html_text, indexable
from gateway.client.sync.robots import Robots
from gateway.client.sync.sitemap import MAX_BYTES, NoSitemap, Sitemap, parse_sitemap
from gateway.client.sync.web import Fetched, NotFetched, Web

MAX_PAGE_BYTES = 10 * 1024 * 1024
MAX_PAGES = 10_000
# The protocol lets an index list 50,000 sitemaps; so many hold ten thousand pages of anybody's.
MAX_SITEMAPS = 500

_LONGEST_EXTERNAL_ID = 512
_HTML = "text/html"
_TEXTS = {
    "text/html": _HTML,
    "application/xhtml+xml": _HTML,
    "text/plain": "text/plain",
    "text/markdown": "text/markdown",
}
_BINARIES = frozenset(
    {"application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
)
_GONE = frozenset({404, 410})


class Site:
    """
    A source of pages; the name of each is its URL.

    Only pages on the sitemap's own host are fetched, as the protocol has it, and those that robots.txt
    allows, one after the other; a redirect is followed where the robots.txt of its target allows it. A page
    that is not found, or wants to be in no index, is not yielded, as if the sitemap did not list it.
    """

    def __init__(
        self,
        sitemap_url: str,
        web: Web,
        *,
        max_pages: int = MAX_PAGES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = sitemap_url
        self._web = web
        self._max_pages = max_pages
        self._sleep = sleep
        self._robots: dict[str, Robots] = {}

    def read(self) -> Iterator[Page | Unreadable]:
        """
        Yields every page.

        Raises:
            ClientError: the sitemap, or what robots may do, can't be had; nothing is known of the site then.
        """
        self._robots.clear()
        urls = self._listed()
        home = httpx.URL(self.name)
        for url in urls:
            place = _url(url)
            if place is None or place.scheme not in ("http", "https") or place.host != home.host:
                yield Unreadable(url[:_LONGEST_EXTERNAL_ID], "It is no page on the sitemap's host.")
                continue
            rules = self._rules(place)
            if not rules.answers:
                raise ClientError(f"{_origin(place)}/robots.txt can't be had: nothing is fetched.")
            found = self._page(url) if rules.allows(url) else Unreadable(url, "robots.txt does not allow it.")
            if found is not None:
                yield found
            self._sleep(rules.delay)

    def _rules(self, place: httpx.URL) -> Robots:
        origin = _origin(place)
        if origin not in self._robots:
            self._robots[origin] = Robots(self._web, origin)
        return self._robots[origin]

    def _may(self, url: str) -> bool:
        return self._rules(httpx.URL(url)).allows(url)

    def _listed(self) -> list[str]:
        first = self._sitemap(self.name)
        urls = dict.fromkeys(first.pages)
        if len(first.sitemaps) > MAX_SITEMAPS:
            raise ClientError(f"{self.name} lists more than {MAX_SITEMAPS} sitemaps.")
        for url in first.sitemaps:
            urls.update(dict.fromkeys(self._sitemap(url).pages))
            if len(urls) > self._max_pages:
                break
        if len(urls) > self._max_pages:
            raise ClientError(f"{self.name} lists more than {self._max_pages:,} pages.")
        return list(urls)

    def _sitemap(self, url: str) -> Sitemap:
        try:
            answer = self._web.fetch(url, max_bytes=MAX_BYTES)
            if answer.status != httpx.codes.OK:
                raise NotFetched(f"It answers with {answer.status}.", answer.status)
            return parse_sitemap(answer.body)
        except (NotFetched, NoSitemap) as error:
            raise ClientError(f"The sitemap {url} can't be read: {error}") from None

    def _page(self, url: str) -> Page | Unreadable | None:
        if len(url) > _LONGEST_EXTERNAL_ID:
            return Unreadable(url[:_LONGEST_EXTERNAL_ID], "Its URL is too long for a name.")
        try:
            answer = self._web.fetch(url, max_bytes=MAX_PAGE_BYTES, may=self._may)
        except NotFetched as error:
            return Unreadable(url, error.reason)
        if answer.status in _GONE or not indexable(answer.headers.get("x-robots-tag", "")):
            return None
        if answer.status != httpx.codes.OK:
            return Unreadable(url, f"It answers with {answer.status}.")
        return _page_of(url, answer)


def _page_of(url: str, answer: Fetched) -> Page | Unreadable | None:
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    media_type = header.get_content_type()
    title = url.rstrip("/").rpartition("/")[2]
    if media_type in _BINARIES:
        return Page(url, title[:LONGEST_TITLE], answer.body, media_type, url=url)
    if media_type not in _TEXTS:
        return Unreadable(url, f"Its type, {media_type}, is none that is understood.")
    text = html_text(answer.body, header.get_content_charset() or "")
    locale = ""
    if _TEXTS[media_type] == _HTML:
        head = html_head(text)
        if not head.indexable:
            return None
        title, locale = head.title or title, head.locale
    page = Page(url, title[:LONGEST_TITLE], text, _TEXTS[media_type], url=url, locale=locale)
    return page if page.is_text() else Unreadable(url, NO_TEXT)


def _origin(place: httpx.URL) -> str:
    return f"{place.scheme}://{place.netloc.decode('ascii')}"


def _url(text: str) -> httpx.URL | None:
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return None
