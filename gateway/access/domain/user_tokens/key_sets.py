"""Key sets of the last minutes: a busy customer's set is fetched once in five of them."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import Because, KeySetUnavailable, UserTokenRefused
from gateway.access.domain.user_tokens.key_set import Jwk, key_set
from gateway.access.domain.user_tokens.ports import KeySetSource
from gateway.access.domain.user_tokens.strict_json import Malformed
from services.kernel.errors import Unavailable

FRESH_SECONDS = 300.0
# Between two fetches of a set, whatever they were for: made-up kids and dead hosts must cost nothing more.
PAUSE_SECONDS = 60.0
# A host that is away for a while takes nobody's users with it.
STALE_SECONDS = 3600.0
CAPACITY = 1_000
# A host that is slow must not hold all of this process's threads.
MAX_WAITING = 4

_log = logging.getLogger(__name__)


@dataclass
class _Remembered:
    """A set as it was last fetched, if ever, and when that was last tried, in monotonic seconds."""

    keys: Sequence[Jwk] = ()
    fetched_at: float | None = None
    tried_at: float | None = None
    fetching: threading.Lock = field(default_factory=threading.Lock)

    def age(self, now: float) -> float:
        return float("inf") if self.fetched_at is None else now - self.fetched_at

    def may_be_fetched(self, now: float) -> bool:
        return self.tried_at is None or now - self.tried_at >= PAUSE_SECONDS


class KeySets:
    """The public keys behind JWKS URLs."""

    def __init__(self, source: KeySetSource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._entering = threading.Lock()
        self._sets: OrderedDict[str, _Remembered] = OrderedDict()

    def key(self, url: str, algorithm: Algorithm, kid: str | None) -> Jwk:
        """
        Return the key of that name for that algorithm; without a name, the only one there is.

        A set is fetched anew after five minutes, and at most once a minute for a name that it lacks; while it
        can't be fetched, the last one counts for an hour.

        Raises:
            UserTokenRefused: there is no such key, or no set.
            Unavailable: too many wait for key sets.
        """
        remembered = self._remembered(url)
        found = _among(remembered.keys, algorithm, kid)
        age = remembered.age(self._monotonic())
        if age >= FRESH_SECONDS or found is None:
            self._refresh(url, remembered)
            found = _among(remembered.keys, algorithm, kid)
            age = remembered.age(self._monotonic())
        if age >= STALE_SECONDS:
            raise UserTokenRefused(Because.KEY_SET_UNAVAILABLE)
        if found is None:
            raise UserTokenRefused(Because.KEY_UNKNOWN)
        return found

    def _remembered(self, url: str) -> _Remembered:
        with self._entering:
            remembered = self._sets.setdefault(url, _Remembered())
            self._sets.move_to_end(url)
            if len(self._sets) > CAPACITY:
                self._sets.popitem(last=False)
        return remembered

    def _refresh(self, url: str, remembered: _Remembered) -> None:
        """Fetch a set, unless that was tried lately; one thread does, the others wait for it."""
        if not remembered.may_be_fetched(self._monotonic()):
            return
        if not self._waiting.acquire(blocking=False):
            raise Unavailable("Too many wait for key sets.")
        try:
            with remembered.fetching:
                if remembered.may_be_fetched(self._monotonic()):
                    self._fetch(url, remembered)
        finally:
            self._waiting.release()

    def _fetch(self, url: str, remembered: _Remembered) -> None:
        try:
            keys = key_set(self._source.fetch(url))
        except (KeySetUnavailable, Malformed) as error:
            # Its path and query are the customer's.
            _log.warning("key_set_unavailable: %s: %s", urlsplit(url).hostname, error)
        else:
            remembered.keys, remembered.fetched_at = keys, self._monotonic()
        # Counted from the end: a slow host gets its pause too.
        remembered.tried_at = self._monotonic()


def _among(keys: Sequence[Jwk], algorithm: Algorithm, kid: str | None) -> Jwk | None:
    fitting = [each for each in keys if each.fits(algorithm) and (kid is None or each.kid == kid)]
    return fitting[0] if len(fitting) == 1 else None
