"""What site generators (Jekyll, Kramdown, Docusaurus, MDX) leave in the sources of pages."""

import re

# Kramdown attributes `{:target="_blank"}` and extensions `{::nomarkdown}`, Liquid tags `{% … %}`, and
# Liquid variables of the site and page. Other `{{ … }}` may be what the page is about.
_INLINE = re.compile(r"\{::?[^{}\n]*\}|\{:/[^{}\n]*\}|\{%.*?%\}|\{\{-?\s*(?:site|page)\.[^{}]*\}\}")
# A space in `[text]({{ site.url }}/page)` would keep Markdown from seeing a link.
_IN_DESTINATION = re.compile(r"(\]\()\s*\{\{[^{}\n]*\}\}")
_IN_ATTRIBUTE = re.compile(r"(=[\"'])\s*\{\{[^{}\n]*\}\}")
# Lines that are no prose: admonition marks, imports and exports of MDX.
_LINES = re.compile(
    r"^[ \t]{0,3}(?::{3,}[ \t]*(?P<kind>\w*)[ \t]*(?P<title>.*)|import\s.+?\sfrom\s+['\"].+?['\"];?|"
    r"\{%.*?%\}[ \t]*)$",
    re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_COMPONENT = re.compile(r"</?[A-Z][\w.]*(?:\s[^<>]*)?/?>")


def clean_source(text: str) -> str:
    """Return a page's Markdown without the marks that would hide its structure; code stays as it is."""
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_clean(text[end : fence.start()]), fence.group()]
        end = fence.end()
    parts.append(_clean(text[end:]))
    return "".join(parts)


def clean_text(text: str) -> str:
    """Return rendered text without attributes, tags and components that Markdown took for text."""
    return _COMPONENT.sub("", _INLINE.sub("", text))


def _clean(text: str) -> str:
    text = _IN_DESTINATION.sub(r"\1", _IN_ATTRIBUTE.sub(r"\1", text))
    return _LINES.sub(lambda line: line.group("title") or "", text)
