"""What a site lets robots fetch (RFC 9309)."""

from __future__ import annotations

from protego import Protego

from gateway.client.sync.web import AGENT, NotFetched, Web

# RFC 9309, 2.5: at least 500 KiB are to be read.
MAX_BYTES = 512 * 1024
# A site that wants to be asked more seldom than this is asked this seldom.
MAX_DELAY = 10.0


class Robots:
    """
    The rules of one site.

    Without a robots.txt (4xx) everything is allowed; while its host fails, nothing is (RFC 9309, 2.3.1).
    """

    def __init__(self, web: Web, origin: str) -> None:
        """`origin` is scheme and host, without a slash at its end."""
        self._rules: Protego | None = None
        try:
            answer = web.fetch(f"{origin}/robots.txt", max_bytes=MAX_BYTES)
        except NotFetched:
            return
        if 200 <= answer.status < 300:
            self._rules = Protego.parse(answer.body.decode("utf-8-sig", errors="replace"))
        elif 400 <= answer.status < 500:
            self._rules = Protego.parse("")

    @property
    def answers(self) -> bool:
        """Whether the site could be asked for its rules."""
        return self._rules is not None

    def allows(self, url: str) -> bool:
        """Whether a URL of the site may be fetched."""
        return self._rules is not None and bool(self._rules.can_fetch(url, AGENT))

    @property
    def delay(self) -> float:
        """Seconds to wait between two requests."""
        wanted = self._rules.crawl_delay(AGENT) if self._rules is not None else None
        return min(MAX_DELAY, float(wanted or 0.0))
