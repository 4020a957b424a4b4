"""Code between fences."""

import re

_TICKS = re.compile("`{3,}")
_LONGEST_LANGUAGE = 20


def fenced(code: str, language: str = "") -> str:
    """Return code between fences that nothing in it ends; a language nobody has heard of is left out."""
    fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(code)), 0)
    return f"{fence}{language if len(language) <= _LONGEST_LANGUAGE else ''}\n{code}\n{fence}"
