"""
The headers that tell a caller where its key stands.

`RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11: lists of a policy's
name with q (quota), w (window in seconds) and with r (remaining), t (seconds until it is whole again). The
`X-RateLimit-` ones say the same of the tightest limit alone.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from gateway.access.domain.decision import Standing
from gateway.access.domain.metering import Level
from gateway.access.domain.quota import NearlyUsed

Headers = list[tuple[bytes, bytes]]

_WINDOW_SECONDS = 60
# What a page's script may read of an answer; browsers hide all other headers.
_EXPOSED = ", ".join(
    (
        "ETag",
        "Quota-Warning",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Request-Id",
    )
).encode()


def headers_of(standing: Standing) -> Headers:
    """Return the headers of limits, of quotas that run out and of what a browser may read."""
    headers = _limits(standing.levels)
    if standing.nearly_used:
        headers.append((b"quota-warning", ", ".join(map(_warning, standing.nearly_used)).encode()))
    if standing.by_origin:
        headers.append((b"vary", b"Origin"))
    if standing.origin:
        headers.append((b"access-control-allow-origin", standing.origin.encode()))
        headers.append((b"access-control-expose-headers", _EXPOSED))
    return headers


def _limits(levels: Sequence[Level]) -> Headers:
    tightest = levels[0]
    policies, remaining = "", ""
    for level in levels:
        bucket = level.bucket
        comma = ", " if policies else ""
        policies += comma + _policy(bucket.policy, bucket.limit)
        remaining += f'{comma}"{bucket.policy}";r={level.remaining};t={math.ceil(level.full_in)}'
        if (level.remaining, bucket.limit) < (tightest.remaining, tightest.bucket.limit):
            tightest = level
    return [
        (b"ratelimit-policy", policies.encode()),
        (b"ratelimit", remaining.encode()),
        (b"x-ratelimit-limit", b"%d" % tightest.bucket.limit),
        (b"x-ratelimit-remaining", b"%d" % tightest.remaining),
        (b"x-ratelimit-reset", b"%d" % math.ceil(tightest.full_in)),
    ]


@lru_cache(maxsize=1024)
def _policy(name: str, limit: int) -> str:
    return f'"{name}";q={limit};w={_WINDOW_SECONDS}'


def _warning(quota: NearlyUsed) -> str:
    return f"{quota.name};used={quota.used};limit={quota.limit};reset={quota.reset:%Y-%m-%dT%H:%M:%SZ}"
