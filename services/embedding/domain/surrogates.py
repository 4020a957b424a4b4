"""Characters that no encoder takes."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return `text`, as long as before, with U+FFFD for each lone half of a surrogate pair."""
    return _SURROGATE.sub("\ufffd", text)
