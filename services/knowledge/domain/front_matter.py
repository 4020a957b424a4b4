"""
Front matter: the block of settings that site generators read, at the very start of a Markdown page.

It is read when a document is written, so without a YAML parser: of YAML only `key: value` on one line at the
margin is understood, and what is anything else (lists, mappings, anchors, several lines) is left out.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping

MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE = 16, 64, 512
# Where a page's front matter is longer, its pairs are not looked for beyond.
_MOST_CHARACTERS = 16 * 1024
_BLOCK = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?P<body>(?:.*?\r?\n)??)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_KEY = re.compile(r"\w[\w ./-]*")
_SETTING = re.compile(r"^(?:\w[^\n:]*|\"[^\"\n]*\"|'[^'\n]*'):(?=\s)", re.MULTILINE)
_QUOTED = re.compile(r"(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')(?:[ \t]+#.*)?")
_COMMENT = re.compile(r"[ \t]#")
# What begins with one of these is more than a text.
_MARKS = tuple("&*!|>[]{}@`%\"'#,?-")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def without_front_matter(text: str) -> str:
    """Return a page without its front matter; two lines of dashes around prose are none."""
    block = _BLOCK.match(text)
    return text if block is None or not _is_settings(block["body"]) else text[block.end() :]


def front_matter_pairs(content: bytes) -> dict[str, str]:
    """Return the keys of a page's front matter that have a text."""
    # Some bytes of the last character may be cut off.
    block = _BLOCK.match(content[: 4 * _MOST_CHARACTERS].decode("utf-8", "ignore"))
    return {} if block is None else dict(_pairs(block["body"][:_MOST_CHARACTERS].splitlines()))


def with_pairs(metadata: Mapping[str, str], pairs: Mapping[str, str]) -> dict[str, str]:
    """Return metadata with those pairs for which it has no key yet, as far as its bounds allow."""
    whole = dict(metadata)
    for key, value in pairs.items():
        if len(whole) < MAX_METADATA and len(key) <= MAX_METADATA_KEY and len(value) <= MAX_METADATA_VALUE:
            whole.setdefault(key, value)
    return whole


def _is_settings(body: str) -> bool:
    lines = (line.strip() for line in body.splitlines())
    return _SETTING.search(body) is not None or all(not line or line.startswith("#") for line in lines)


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        key, _, source = line.partition(":")
        following = lines[number + 1] if number + 1 < len(lines) else ""
        # A text that goes on in the next line is not taken by halves.
        if (
            not _KEY.fullmatch(key)
            or not source[:1].isspace()
            or (following.strip() and following[0].isspace())
        ):
            continue
        value = _scalar(source.strip())
        if value not in _NOTHING and not any(unicodedata.category(each) in _CONTROLS for each in value):
            yield key.rstrip(), value


def _scalar(source: str) -> str:
    """The text that a value stands for; "" where it is none."""
    if quoted := _QUOTED.fullmatch(source):
        text = quoted["text"]
        if text.startswith("'"):
            return text[1:-1].replace("''", "'")
        try:
            return str(json.loads(text))
        except ValueError:
            return ""
    return "" if source.startswith(_MARKS) else _COMMENT.split(source, maxsplit=1)[0].rstrip()
