"""
A page of a web site to the blocks of what it is about.

Navigation, banners of cookies, side bars and footers are told by what HTML and ARIA call them, by the usual
words of their classes, and, where a page has no `main`, by consisting of links.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.knowledge.domain.chunking.blocks import Block
from services.knowledge.extraction.html_blocks import blocks_of

_FURNITURE_TAGS = frozenset({"nav", "footer", "dialog"})
_FURNITURE_ROLES = frozenset(
    ["navigation", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar", "tooltip"]
)
_FURNITURE_WORDS = re.compile(
    r"(?:^|[-_])(?:breadcrumbs?|sidebar|navbar|nav|navigation|menu|toc|tableofcontents|pagination|pager|share|"
    r"sharing|social|newsletter|subscribe|related|recommended|recommendations|promo|advert|advertisement|ads|"
    r"popup|modal|skiplink|skip|feedback|helpful|footer|topbar|masthead|headerlink|permalink|backtotop|"
    r"copyright|noprint|hidden|sr)(?:$|[-_])|^(?:cookie|consent|gdpr|onetrust|cc-window|edit-(?:this-)?page|"
    r"last-updated|back-to-top|table-of-contents|site-header|page-header-bar|announcement|screen-reader)"
)
# Classes that say what is beside an element, not what it is.
_ABOUT_OTHERS = re.compile(
    r"^(?:has|with|no|without|js|is|not)-|(?:^|[-_])(?:content|body|main|page|wrapper)$"
)
_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Asides that belong to the text.
_ADMONITION = re.compile(
    r"admonition|callout|note|tip|hint|warning|caution|danger|info|alert|important|example"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
# What holds so much of a page's text is no furniture, whatever it is called.
_MOST_OF_A_PAGE = 0.5
_LEAST_OF_A_PAGE = 0.1
_LINKS_MAKE_A_LIST = 3
_MOSTLY_LINKS = 0.8
_LINKED = frozenset({"ul", "ol", "td", "div", "p", "center"})


def page_blocks(source: str) -> list[Block]:
    """
    Return the blocks of a page's content.

    Raises:
        IndexingFailed: EXTRACTION_FAILED; it is nested too deeply.
    """
    body = LexborHTMLParser(source).body
    if body is None:
        return []
    page = _Page(body)
    # A page of nothing but links and banners is taken as it is.
    return blocks_of(page.content, page.is_furniture) or blocks_of(body, lambda _: False)


class _Page:
    """Where the content of a page is, and what in it is not content."""

    def __init__(self, body: LexborNode) -> None:
        self._size = len(body.text())
        self._marked = True
        self.content = self._marked_content(body)
        if self.content is body:
            self._marked = False

    def _marked_content(self, body: LexborNode) -> LexborNode:
        mains = body.css("main, [role=main]")
        articles = body.css("article")
        candidates = mains[:1] if len(mains) == 1 else articles if len(articles) == 1 and not mains else []
        for node in candidates:
            if len(node.text()) >= self._size * _LEAST_OF_A_PAGE:
                return node
        return body

    def is_furniture(self, node: LexborNode) -> bool:
        """Whether an element is there for the site or the layout, not for the page's readers."""
        attributes = node.attributes
        tag, role = node.tag, attributes.get("role") or ""
        if _is_hidden(attributes, role) or tag in _FURNITURE_TAGS or role in _FURNITURE_ROLES:
            return True
        names = _names(attributes)
        if tag == "aside" or role == "complementary":
            return not any(_ADMONITION.search(name) for name in (*names, role)) and not self._is_most(node)
        if not self._marked and (tag == "header" or role == "banner") and node.css_first("h1") is None:
            return True
        if any(_FURNITURE_WORDS.search(name) and not _ABOUT_OTHERS.search(name) for name in names):
            return not self._is_most(node)
        return not self._marked and tag in _LINKED and self._is_links(node)

    def _is_most(self, node: LexborNode) -> bool:
        return len(node.text()) > self._size * _MOST_OF_A_PAGE

    def _is_links(self, node: LexborNode) -> bool:
        links = node.css("a")
        if len(links) < _LINKS_MAKE_A_LIST:
            return False
        linked = sum(len(link.text().strip()) for link in links)
        return linked >= _MOSTLY_LINKS * len("".join(node.text().split(" ")).strip() or " ")


def _is_hidden(attributes: dict[str, str | None], role: str) -> bool:
    if "hidden" in attributes:
        # A tab that is not chosen, and what a search in the page opens, are content.
        return role != "tabpanel" and attributes["hidden"] != "until-found"
    if attributes.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style") or "")) and role != "tabpanel"


def _names(attributes: dict[str, str | None]) -> list[str]:
    """What an element's author called it."""
    given = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    return [_WORD_BREAK.sub("-", name).lower() for name in given.split()[:20]]
