"""What the headers of an answer say of limits and quotas."""

from datetime import UTC, datetime

from gateway.access.api.rate_headers import headers_of
from gateway.access.domain.decision import Standing
from gateway.access.domain.metering import Bucket, Level
from gateway.access.domain.quota import NearlyUsed

_KEY = Bucket("key:key_1", "key", 60)
_WORKSPACE = Bucket("workspace:ws_1", "workspace", 600)
_RESET = datetime(2026, 12, 1, tzinfo=UTC)


def _told(*levels: Level, nearly_used: tuple[NearlyUsed, ...] = ()) -> dict[bytes, bytes]:
    return dict(headers_of(Standing(levels, nearly_used)))


def test_each_limit_is_listed() -> None:
    """Policies with quota and window, levels with what is left and the seconds until they are full."""
    told = _told(Level(_KEY, 59, 1.0), Level(_WORKSPACE, 580, 1.9))
    assert told[b"ratelimit-policy"] == b'"key";q=60;w=60, "workspace";q=600;w=60'
    assert told[b"ratelimit"] == b'"key";r=59;t=1, "workspace";r=580;t=2'


def test_the_tightest_limit_is_told_alone() -> None:
    """The one with the least left, of equals the smaller one, whatever their order."""
    levels = Level(_KEY, 59, 0.1), Level(_WORKSPACE, 4, 59.6)
    for told in (_told(*levels), _told(*reversed(levels))):
        assert (told[b"x-ratelimit-limit"], told[b"x-ratelimit-remaining"]) == (b"600", b"4")
        assert told[b"x-ratelimit-reset"] == b"60"
    equals = Level(_WORKSPACE, 0, 60), Level(_KEY, 0, 60)
    for told in (_told(*equals), _told(*reversed(equals))):
        assert told[b"x-ratelimit-limit"] == b"60"


def test_a_full_bucket_is_full_now() -> None:
    """Nothing is rounded up from nothing."""
    told = _told(Level(_KEY, 60, 0.0))
    assert (told[b"ratelimit"], told[b"x-ratelimit-reset"]) == (b'"key";r=60;t=0', b"0")


def test_quotas_that_run_out_are_listed() -> None:
    """Each with what is used, the limit and when the month ends; none, no header."""
    queries = NearlyUsed("queries", 8012, 10_000, _RESET)
    documents = NearlyUsed("documents", 5000, 5000, _RESET)
    level = Level(_KEY, 59, 1.0)
    assert _told(level, nearly_used=(queries,))[b"quota-warning"] == (
        b"queries;used=8012;limit=10000;reset=2026-12-01T00:00:00Z"
    )
    assert _told(level, nearly_used=(queries, documents))[b"quota-warning"] == (
        b"queries;used=8012;limit=10000;reset=2026-12-01T00:00:00Z, "
        b"documents;used=5000;limit=5000;reset=2026-12-01T00:00:00Z"
    )
    assert b"quota-warning" not in _told(level)
