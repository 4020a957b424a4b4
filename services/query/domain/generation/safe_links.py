"""
Links in what a model wrote: only those that the passages hold stay.

An instruction hidden in a document can make a model write a link or an image whose address carries what was
asked; an image is fetched without anybody's click.
"""

import re
from collections.abc import Set

from services.query.domain.generation.facts import address, addresses

_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\s*(?:\([^)]*\)?|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\[\]]*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?[^)]*\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*[^\[\]\d,\s][^\[\]]*\]")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S.*$", re.MULTILINE)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto|www)[^<>\s]*)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>?|<!--.*?(?:-->|$)", re.DOTALL)
_SCHEME = re.compile(r"\b(?:javascript|data|vbscript|file|tel|sms|mailto)\s*:\s*\S+", re.IGNORECASE)


def with_safe_links(text: str, allowed: Set[str]) -> str:
    """
    Return a text without images, without HTML, and with the words alone of links that are not `allowed`.

    Code stays as it is. Bare addresses stay too: whoever checks the facts refuses the ones that are not held.
    """
    parts: list[str] = []
    at = 0
    for code in [*_CODE.finditer(text), None]:
        parts.append(_safe(text[at : code.start() if code else len(text)], allowed))
        if code:
            parts.append(code.group())
            at = code.end()
    return "".join(parts)


def _safe(text: str, allowed: Set[str]) -> str:
    text = _IMAGE.sub("", text)
    text = _DEFINITION.sub("", text)
    text = _LINK.sub(
        lambda match: match.group() if _is_allowed(match.group(2), allowed) else match.group(1), text
    )
    text = _REFERENCE.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    return _SCHEME.sub("", _TAG.sub("", text))


def _is_allowed(target: str, allowed: Set[str]) -> bool:
    # To the letter: two addresses that differ by their parameters are two.
    return addresses(target) == {address(target)} and address(target) in allowed
