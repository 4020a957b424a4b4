"""Where a customer's key set is."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL = 2_048
_HTTPS = 443
# Names only: what an address in brackets or with a zone is, every reader sees differently.
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


class UnfitUrl(ValueError):
    """A text is no URL that key sets are fetched from; the error says what is wrong."""


@dataclass(frozen=True)
class JwksUrl:
    """An https URL, taken apart once so that all who use it see the same host. `target` is path and query."""

    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str, hosts: frozenset[str]) -> "JwksUrl":
        """
        Return the URL in a text; `hosts` are those that are allowed, empty: any.

        That it is on a public address is seen only when it is fetched.

        Raises:
            UnfitUrl: it is none, or its host is not allowed.
        """
        if len(text) > MAX_URL:
            raise UnfitUrl(f"must have at most {MAX_URL:,} characters")
        if any(not "!" <= each <= "~" for each in text):
            raise UnfitUrl("must be an https URL in ASCII")
        try:
            parts = urlsplit(text)
            port = _HTTPS if parts.port is None else parts.port
        except ValueError:
            raise UnfitUrl("must be an https URL") from None
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or not _HOST.fullmatch(host) or not port:
            raise UnfitUrl("must be an https URL with the name of a host")
        if "@" in parts.netloc:
            raise UnfitUrl("must not hold a user or a password")
        if parts.fragment:
            raise UnfitUrl("must have no fragment")
        if hosts and host not in hosts:
            raise UnfitUrl("must be on a host that this installation allows")
        return cls(host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
