from __future__ import annotations

import pytest

from gateway.client.errors import ClientError
from gateway.client.folder import Page, Unreadable
from gateway.client.sync.site import MAX_SITEMAPS, Site
from gateway.client.sync.web import Web
from tests.fakes.web_site import WebSite


def read(site: WebSite, web: Web, url: str) -> list[Page | Unreadable]:
    return list(Site(url, web, sleep=lambda _: None).read())


def test_pages_are_named_by_their_urls(site: WebSite, web: Web) -> None:
    """Title and language come from the page; types from the answer's header."""
    site.page("/a", '<html lang="en-GB"><head><title> Plans &amp;\n prices </title></head><p>x</p></html>')
    site.page("/b.md", "# B", "text/markdown")
    first, second = read(site, web, site.sitemap("/a", "/b.md"))
    assert isinstance(first, Page)
    assert (first.external_id, first.url) == (f"{site.url}/a", f"{site.url}/a")
    assert (first.title, first.locale, first.content_type) == ("Plans & prices", "en-GB", "text/html")
    assert isinstance(second, Page)
    assert (second.title, second.content_type) == ("b.md", "text/markdown")


def test_other_encodings_are_decoded(site: WebSite, web: Web) -> None:
    """A byte order mark counts, else the header's charset, else the page's own."""
    body = "<title>Größe</title>"
    site.answers["/a"] = (200, {"content-type": "text/html; charset=iso-8859-1"}, body.encode("latin-1"))
    own = '<meta charset="koi8-r"><title>Цена</title>'
    site.answers["/b"] = (200, {"content-type": "text/html"}, own.encode("koi8-r"))
    site.answers["/c"] = (200, {"content-type": "text/html"}, own.encode("utf-8-sig"))
    found = read(site, web, site.sitemap("/a", "/b", "/c"))
    assert [each.title for each in found if isinstance(each, Page)] == ["Größe", "Цена", "Цена"]


def test_pages_that_are_gone_or_want_no_index_are_not_there(site: WebSite, web: Web) -> None:
    """404, 410 and noindex, in a header or in the page, are as if the sitemap did not list the page."""
    site.answers["/gone"] = (410, {}, b"")
    site.answers["/header"] = (200, {"content-type": "text/html", "x-robots-tag": "noindex"}, b"x")
    site.page("/own", '<meta name="robots" content="noindex, follow"><meta name="robots" content="all">')
    assert read(site, web, site.sitemap("/missing", "/gone", "/header", "/own")) == []


def test_what_is_said_to_one_robot_is_for_that_one(site: WebSite, web: Web) -> None:
    """Directives under another robot's name are not ours; under our own they are."""
    for path, said in (
        ("/a", "googlebot: noindex"),
        ("/b", "supportagent-sync: noindex"),
        ("/c", "nofollow, NONE"),
    ):
        site.answers[path] = (200, {"content-type": "text/plain", "x-robots-tag": said}, b"x")
    found = read(site, web, site.sitemap("/a", "/b", "/c"))
    assert [each.external_id for each in found] == [f"{site.url}/a"]


def test_what_cannot_be_read_is_named(site: WebSite, web: Web) -> None:
    """A failing page, another type and another host are there, but unreadable."""
    site.answers["/broken"] = (503, {}, b"")
    site.page("/picture", "x", "image/png")
    site.sitemap("/broken", "/picture")
    _, headers, body = site.answers["/sitemap.xml"]
    elsewhere = (
        b"<url><loc>http://elsewhere.example/</loc></url><url><loc>ftp://docs.example/x</loc></url></urlset>"
    )
    site.answers["/sitemap.xml"] = (200, headers, body.replace(b"</urlset>", elsewhere))
    found = read(site, web, f"{site.url}/sitemap.xml")
    assert all(isinstance(each, Unreadable) for each in found)
    assert [each.external_id for each in found] == [
        f"{site.url}/broken",
        f"{site.url}/picture",
        "http://elsewhere.example/",
        "ftp://docs.example/x",
    ]


def test_robots_are_respected(site: WebSite, web: Web) -> None:
    """What robots.txt forbids is not fetched; its delay is kept."""
    site.page("/robots.txt", "User-agent: *\nDisallow: /private*.html$\nCrawl-delay: 2", "text/plain")
    site.page("/private-1.html", "x")
    site.page("/open", "x")
    waits: list[float] = []
    found = list(Site(site.sitemap("/private-1.html", "/open"), web, sleep=waits.append).read())
    assert isinstance(found[0], Unreadable)
    assert "/private-1.html" not in site.asked
    assert isinstance(found[1], Page)
    assert waits == [2.0, 2.0]


def test_redirects_are_robots_too(site: WebSite, web: Web) -> None:
    """No page leads to what robots.txt forbids, on its own host or on another one."""
    site.page("/robots.txt", "User-agent: *\nDisallow: /private", "text/plain")
    site.page("/open", "x")
    elsewhere = f"http://other.example:{site.port}/private"
    for path, target in (("/a", "/private"), ("/b", elsewhere), ("/c", "/open")):
        site.answers[path] = (302, {"location": target}, b"")
    found = read(site, web, site.sitemap("/a", "/b", "/c"))
    assert [type(each) for each in found] == [Unreadable, Unreadable, Page]
    assert "/private" not in site.asked


def test_a_site_can_not_stop_the_clock(site: WebSite, web: Web) -> None:
    """The longest delay that is kept is ten seconds."""
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: 86400", "text/plain")
    site.page("/a", "x")
    waits: list[float] = []
    list(Site(site.sitemap("/a"), web, sleep=waits.append).read())
    assert waits == [10.0]


def test_without_rules_nothing_is_fetched(site: WebSite, web: Web) -> None:
    """While the host can't say what robots may do, nothing is known of the site (RFC 9309, 2.3.1.4)."""
    site.answers["/robots.txt"] = (500, {}, b"")
    site.page("/a", "x")
    with pytest.raises(ClientError, match=r"robots\.txt"):
        read(site, web, site.sitemap("/a"))
    assert "/a" not in site.asked


def test_an_index_of_sitemaps_is_followed(site: WebSite, web: Web) -> None:
    """Pages of all sitemaps of an index are read, each once."""
    site.page("/a", "x")
    one, two = site.sitemap("/a", at="/one.xml"), site.sitemap("/a", at="/two.xml")
    index = (
        f"<sitemapindex><sitemap><loc>{one}</loc></sitemap><sitemap><loc>{two}</loc></sitemap></sitemapindex>"
    )
    site.page("/index.xml", index, "application/xml")
    assert len(read(site, web, f"{site.url}/index.xml")) == 1


@pytest.mark.parametrize("status", [404, 500])
def test_a_missing_sitemap_says_nothing(site: WebSite, web: Web, status: int) -> None:
    """Without its sitemap a site has not vanished: it can't be read."""
    site.answers["/sitemap.xml"] = (status, {}, b"")
    with pytest.raises(ClientError, match="can't be read"):
        read(site, web, f"{site.url}/sitemap.xml")


def test_too_many_sitemaps_are_refused(site: WebSite, web: Web) -> None:
    """An index of more sitemaps than anybody has is refused before one of them is fetched."""
    listed = "".join(f"<sitemap><loc>{site.url}/{n}.xml</loc></sitemap>" for n in range(MAX_SITEMAPS + 1))
    site.page("/index.xml", f"<sitemapindex>{listed}</sitemapindex>", "application/xml")
    with pytest.raises(ClientError, match="sitemaps"):
        read(site, web, f"{site.url}/index.xml")
    assert site.asked == ["/index.xml"]


def test_too_many_pages_are_refused(site: WebSite, web: Web) -> None:
    """A sitemap beyond the limit is refused before anything is fetched."""
    with pytest.raises(ClientError, match="more than 1 pages"):
        list(Site(site.sitemap("/a", "/b"), web, max_pages=1).read())
