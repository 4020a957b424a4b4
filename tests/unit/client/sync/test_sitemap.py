from __future__ import annotations

import gzip

import pytest

from gateway.client.sync.sitemap import MAX_BYTES, NoSitemap, parse_sitemap

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def test_pages_are_read_in_order_and_once() -> None:
    """Each `loc` right below a `url` counts, also beside other elements and other namespaces."""
    found = parse_sitemap(
        f"""<?xml version="1.0"?><urlset {SPACE} xmlns:i="http://images">
        <url><loc> https://a.example/1 </loc><lastmod>2026-01-01</lastmod>
        <i:image><i:loc>https://a.example/picture.png</i:loc></i:image></url>
        <url><loc>https://a.example/2?a=1&amp;b=2</loc></url><url><loc>https://a.example/1</loc></url>
        </urlset>""".encode()
    )
    assert found.pages == ["https://a.example/1", "https://a.example/2?a=1&b=2"]
    assert found.sitemaps == []


def test_an_index_names_sitemaps() -> None:
    """An index has sitemaps instead of pages."""
    found = parse_sitemap(
        f"<sitemapindex {SPACE}><sitemap><loc>https://a/s.xml</loc></sitemap></sitemapindex>".encode()
    )
    assert (found.pages, found.sitemaps) == ([], ["https://a/s.xml"])


def test_gzip_is_opened() -> None:
    """A gzipped sitemap is the same."""
    body = gzip.compress(b"<urlset><url><loc>https://a/</loc></url></urlset>")
    assert parse_sitemap(body).pages == ["https://a/"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<urlset><url>",
        b"<html><url><loc>https://a/</loc></url></html>",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><urlset/>',
        b"\x1f\x8bbroken",
        gzip.compress(b"<urlset>" + b" " * MAX_BYTES + b"</urlset>"),
    ],
)
def test_what_is_no_sitemap_is_refused(body: bytes) -> None:
    """Broken XML, other documents, entities and bombs are refused with a reason."""
    with pytest.raises(NoSitemap):
        parse_sitemap(body)
