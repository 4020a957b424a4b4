"""Rules for the address of an endpoint that an operator names."""

import math
from collections.abc import Iterator
from urllib.parse import urlsplit

from services.kernel.errors import Violation

MAX_URL = 2_048
MAX_MODEL = 256
MAX_KEY = 1_024


def url_violations(pointer: str, url: str) -> Iterator[Violation]:
    """
    Yield what is wrong with a base URL.

    Private and link-local addresses are allowed: it is the operator who names them, and local models are
    common. A user and a password in the URL would be stored and shown, so they are refused.
    """
    if len(url) > MAX_URL:
        yield Violation(pointer, f"must have at most {MAX_URL:,} characters")
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield Violation(pointer, "must be a URL")
        return
    if parts.scheme not in ("http", "https") or not host or any(not "!" <= each <= "~" for each in url):
        yield Violation(pointer, "must be an http or https URL in ASCII")
    elif parts.username is not None or parts.password is not None:
        yield Violation(pointer, "must not hold a user or a password")
    elif parts.query or parts.fragment:
        yield Violation(pointer, "must have no query and no fragment")


def name_violations(pointer: str, name: str) -> Iterator[Violation]:
    """Yield what is wrong with a model's name."""
    if not name.strip() or len(name) > MAX_MODEL or not name.isprintable():
        yield Violation(pointer, f"must have 1 to {MAX_MODEL} printable characters")


def key_violations(pointer: str, key: str) -> Iterator[Violation]:
    """Yield what is wrong with a key, without any of it; an empty one is none. It travels in a header."""
    if len(key) > MAX_KEY or any(not "!" <= each <= "~" for each in key):
        yield Violation(pointer, f"must have at most {MAX_KEY:,} ASCII characters without spaces")


def range_violations(pointer: str, value: float, least: float, most: float) -> Iterator[Violation]:
    """Yield that a number is not between two others, both included."""
    if not (math.isfinite(value) and least <= value <= most):
        yield Violation(pointer, f"must be between {least:,} and {most:,}")
