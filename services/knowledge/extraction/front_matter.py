"""Front matter: the block of settings that site generators read, at the very start of a page."""

import re

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(?:.*?\r?\n)??(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def without_front_matter(text: str) -> str:
    """Return `text` without its front matter."""
    return _FRONT_MATTER.sub("", text, count=1)
