"""Pages of web sites to blocks."""

import pytest

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction.extractor import extract
from services.knowledge.extraction.web_page import page_blocks

SITE = """<!doctype html><html lang=en><head><title>Renewal | Example</title><style>p{}</style></head>
<body class="page has-sidebar">
<a class="skip-link" href="#main">Skip to content</a>
<div id="cookieBanner"><p>We use cookies.</p><button>Accept</button></div>
<header class="site-header"><a href="/">Example</a><nav><ul><li><a href="/a">A</a></ul></nav></header>
<div class="layout">%s</div>
<div class="newsletter-signup">Subscribe to our newsletter</div>
<footer><p>© Example</p></footer><script>track()</script></body></html>"""
CONTENT = """<h1>Renewal <a class="headerlink" href="#r">¶</a></h1>
<p>Plans renew <b>each</b> month,<br>unless they are <a href="/cancel">cancelled</a>.</p>
<aside class="admonition note"><p>Take note.</p></aside>
<ol start="3"><li>Open <i>it</i><ul><li>now</li></ul></li><li><p>Pay</p><pre><code class="language-sh">pay \\
  --now</code><button>Copy</button></pre></li></ol>"""
EXPECTED: list[Block] = [
    Heading(1, "Renewal"),
    Piece(Kind.PARAGRAPH, "Plans renew each month,\nunless they are cancelled."),
    Piece(Kind.PARAGRAPH, "Take note."),
    Piece(Kind.LIST_ITEM, "3. Open it\n   - now"),
    Piece(Kind.LIST_ITEM, "4. Pay\n   ```sh\n   pay \\\n     --now\n   ```"),
]


@pytest.mark.parametrize(
    "frame",
    [
        "<aside class=sidebar><ul><li><a href=/x>Other page</a></ul></aside><main>%s</main>",
        "<div role=main><nav class=breadcrumbs>Home / Help</nav>%s<div class=feedback>Helpful?</div></div>",
        "<div class=left-sidebar><a href=/x>Other page</a></div><article>%s</article>",
        "<div class=content>%s</div><ul><li><a>One page</a><li><a>Another page</a><li><a>More pages</a></ul>",
        "%s<div hidden>Nothing</div><p aria-hidden=true>x</p><p style='display: none'>y</p>",
    ],
)
def test_only_the_content_of_a_page_is_taken(frame: str) -> None:
    """Banners, navigation, side bars, footers and what is hidden are left out, whatever holds the content."""
    assert page_blocks(SITE % (frame % CONTENT)) == EXPECTED


def test_what_holds_most_of_a_page_is_its_content() -> None:
    """A container named like furniture does not hide the page."""
    assert page_blocks(f"<body><div class='nav-menu modal'>{CONTENT}</div></body>") == EXPECTED
    assert page_blocks(f"<body class='sidebar'>{CONTENT}</body>") == EXPECTED
    page = f"<body><div class='nav-menu'>{CONTENT}</div><footer>© Example</footer></body>"
    assert page_blocks(page) == EXPECTED


def test_a_main_that_holds_next_to_nothing_is_not_the_content() -> None:
    """Where a script was to fill it, the page is what stands beside it."""
    page = f"<body><main><p>Loading</p></main><div>{CONTENT}</div><footer>© Example</footer></body>"
    assert page_blocks(page) == [Piece(Kind.PARAGRAPH, "Loading"), *EXPECTED]


def test_tabs_that_are_not_chosen_are_content() -> None:
    """What a click shows is read; what nothing shows is not."""
    page = (
        "<main><div role=tabpanel><p>Linux</p></div><div role=tabpanel hidden><p>Windows</p></div>"
        "<details hidden=until-found><p>More</p></details><div hidden><p>Nothing</p></div></main>"
    )
    assert [block.text for block in page_blocks(page)] == ["Linux", "Windows", "More"]


def test_links_by_which_addresses_are_copied_are_no_text() -> None:
    """The sign at a heading goes, whatever its class; a link with words stays."""
    page = '<h2>Plans <a href="#plans">#</a></h2><h2><a href="/b">Bills</a><a href="#b">🔗</a></h2>'
    assert page_blocks(page) == [Heading(2, "Plans"), Heading(2, "Bills")]


def test_a_page_of_links_is_taken_as_it_is() -> None:
    """Where leaving out would leave nothing, all is taken."""
    blocks = page_blocks("<body><ul><li><a>Refunds</a><li><a>Renewals</a><li><a>Returns</a></ul></body>")
    assert [block.text for block in blocks] == ["- Refunds", "- Renewals", "- Returns"]


def test_short_pages_lose_nothing() -> None:
    """A help page of one sentence is a page."""
    assert page_blocks("<title>x</title>Call us.") == [Piece(Kind.PARAGRAPH, "Call us.")]


def test_tables_keep_their_columns() -> None:
    """Empty cells, spans and pipes do not shift what stands in a column."""
    source = (
        "<table><caption>Prices</caption><thead><tr><th>Plan<th>Price<th>Note</thead>"
        "<tr><td rowspan=2>Pro<td>1|2<td></tr><tr><td>3<td><p>a</p><p>b</p></tr>"
        "<tr><td colspan=2>Both<td>c</tr></table>"
    )
    assert page_blocks(source) == [
        Piece(Kind.PARAGRAPH, "Prices"),
        Piece(
            Kind.TABLE,
            "| Plan | Price | Note |\n| --- | --- | --- |\n"
            "| Pro | 1\\|2 |  |\n| Pro | 3 | a; b |\n| Both |  | c |",
        ),
    ]


def test_tables_for_layout_are_text() -> None:
    """A table that only puts things beside each other is none."""
    source = "<table><tr><td><h2>Left</h2><p>Text.</p></td><td><table><tr><td>x</table></td></tr></table>"
    assert page_blocks(source) == [
        Heading(2, "Left"),
        Piece(Kind.PARAGRAPH, "Text."),
        Piece(Kind.PARAGRAPH, "x"),
    ]
    wide = "<table><tr>" + "<td>c" * 200 + "</table>"
    assert {block.text for block in page_blocks(wide)} == {"c"}


def test_spans_without_bounds_are_no_bomb() -> None:
    """A span says little about how much is made of it."""
    (table,) = page_blocks("<table>" + "<tr><td colspan=9999 rowspan=9999>a<td>b" * 50 + "</table>")
    assert len(table.text) < 100_000


def test_markup_that_only_splits_words_is_gone() -> None:
    """Soft hyphens and zero-width spaces would keep words from being found."""
    assert page_blocks("<p>re\u00adnew\u200bal&shy;s&nbsp;now") == [Piece(Kind.PARAGRAPH, "renewals now")]


def test_nothing_is_fetched_or_run() -> None:
    """Pictures, frames, scripts and styles are addresses that nobody asks."""
    source = (
        "<link rel=stylesheet href='http://192.0.2.1/a.css'><img src='http://192.0.2.1/a.png' alt=x>"
        "<iframe src='http://192.0.2.1/'>f</iframe><object data='file:///etc/passwd'>o</object><p>Text."
    )
    assert page_blocks(source) == [Piece(Kind.PARAGRAPH, "Text.")]


def test_deep_nesting_fails_with_a_reason() -> None:
    """What no page has exhausts nothing."""
    with pytest.raises(IndexingFailed) as caught:
        extract(b"<div>" * 2000, ContentType.HTML)
    assert caught.value.code == "EXTRACTION_FAILED"


def test_an_empty_page_has_no_blocks() -> None:
    """No text is no failure."""
    assert extract(b"", ContentType.HTML) == []
    assert extract(b"<html><body><script>x</script></body></html>", ContentType.HTML) == []
