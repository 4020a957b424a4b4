"""Envoy's question before every request (ext_authz over HTTP), and its answer."""

import hmac
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache, partial
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from gateway.access.api import answers
from gateway.access.api.answers import Answer
from gateway.access.api.bounded_threads import BoundedThreads, Busy
from gateway.access.domain.check import Asked
from gateway.access.domain.decision import Denied, Later, Needs, Passed, Refusal
from gateway.access.domain.demand import Demand
from services.kernel.ids import WorkspaceId
from services.runtime.interceptors.caller import CREDENTIAL, REQUEST_ID
from services.runtime.interceptors.errors import foreseen
from services.runtime.settings import Secret

RULE = "x-route-rule"
CLIENT_ADDRESS = "x-client-address"
NO_QUERY = "x-no-query"

CHECKS = Counter(
    "access_checks_total", "Checks by how they ended: passed, failed or why refused.", ["outcome"]
)
DURATION = Histogram(
    "access_check_seconds",
    "Time of a check, by what it had to wait for: nothing, the store or the counters.",
    ["waited_for"],
    buckets=(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)

# Envoy gives a check up after a second; what begins later would be counted for nobody.
_PATIENCE_SECONDS = 0.8
_MOST_WAITING = 512

# Of these each one is a mistake or a failure of ours.
_ALARMING = frozenset({Refusal.ROUTE_WITHOUT_RULE, Refusal.STORE_UNAVAILABLE})

_OUTCOMES = {name: CHECKS.labels(name) for name in ("passed", "failed", *(each.value for each in Refusal))}
_NOTHING = DURATION.labels("nothing")
_DURATIONS = {needs: DURATION.labels(needs.value) for needs in Needs}

_RULE, _REQUEST_ID, _CREDENTIAL = RULE.encode(), REQUEST_ID.encode(), CREDENTIAL.encode()
_ADDRESS, _NO_QUERY = CLIENT_ADDRESS.encode(), NO_QUERY.encode()

_log = structlog.get_logger(__name__)


class CheckHandler:
    """
    Answers Envoy; never raises, since a failed check would reach the caller in Envoy's words instead of ours.

    Every method and path is a question; the route is known by its rule. What the check can decide without
    I/O is decided in the event loop, the rest on threads: a hanging database delays no known key, since
    looking up keys and counting have threads of their own.
    """

    def __init__(
        self,
        check: Callable[[Asked], Passed | Denied | Later],
        take_back: Callable[[WorkspaceId], None],
        credential: Secret,
        *,
        threads: int = 16,
        most_waiting: int = _MOST_WAITING,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """
        `take_back` is told whose request was counted as a query and is none; it may wait.

        `credential`: who has it is the gateway; others learn nothing.
        """
        self._check = check
        self._take_back = take_back
        self._credential = credential.reveal().encode()
        if not self._credential:
            raise ValueError("an empty credential would let everybody ask")
        self._threads = {
            needs: BoundedThreads(
                f"check-{needs.value}", threads, most=most_waiting, patience_seconds=patience_seconds
            )
            for needs in Needs
        }

    def __call__(self, headers: Mapping[bytes, bytes]) -> Answer | Coroutine[Any, Any, Answer]:
        """
        Answer one question, at once where it needs no I/O.

        `headers` by their names in lower case; the values of one that is repeated joined by commas.
        """
        if not hmac.compare_digest(headers.get(_CREDENTIAL, b""), self._credential):
            return answers.stranger()
        if (workspace_id := headers.get(_NO_QUERY)) is not None:
            return self._taken_back(WorkspaceId(workspace_id.decode("latin-1")))
        started = time.perf_counter()
        request_id = headers.get(_REQUEST_ID, b"").decode("latin-1")
        try:
            asked = Asked(
                _demand(headers.get(_RULE, b"")),
                headers.get(b"authorization", b"").decode("latin-1"),
                headers.get(b"origin", b"").decode("latin-1"),
                headers.get(_ADDRESS, b"").decode("latin-1"),
            )
            decision = self._check(asked)
            if isinstance(decision, Later):
                return self._later(decision, asked, request_id, started)
            answer = _told(decision, asked, request_id)
        except Exception as error:
            answer = _failed(error, request_id)
        _NOTHING.observe(time.perf_counter() - started)
        return answer

    def close(self) -> None:
        """End the threads after what they have begun."""
        for each in self._threads.values():
            each.close()

    async def _taken_back(self, workspace_id: WorkspaceId) -> Answer:
        try:
            await self._threads[Needs.COUNTERS].run(partial(self._take_back, workspace_id))
        except Busy:
            # It is put right when the workspace has been quiet for a while.
            _log.debug("query_not_taken_back", workspace_id=workspace_id)
        except Exception as error:
            return _failed(error, "")
        return answers.noted()

    async def _later(self, later: Later, asked: Asked, request_id: str, started: float) -> Answer:
        try:
            answer = _told(await self._finished(later), asked, request_id)
        except Exception as error:
            answer = _failed(error, request_id)
        _DURATIONS[later.needs].observe(time.perf_counter() - started)
        return answer

    async def _finished(self, later: Later) -> Passed | Denied:
        try:
            return await self._threads[later.needs].run(later.finish)
        except Busy:
            return Denied(Refusal.OVERLOADED)


@lru_cache(maxsize=1024)
def _demand(rule: bytes) -> Demand | None:
    return Demand.of(rule.decode("latin-1"))


def _failed(error: Exception, request_id: str) -> Answer:
    _OUTCOMES["failed"].inc()
    return answers.failed(foreseen(error, "check").detail, request_id)


def _told(decision: Passed | Denied, asked: Asked, request_id: str) -> Answer:
    if isinstance(decision, Passed):
        _OUTCOMES["passed"].inc()
        return answers.passed(decision)
    _OUTCOMES[decision.refusal.value].inc()
    _log_refusal(decision, asked, request_id)
    return answers.denied(decision, request_id)


def _log_refusal(decision: Denied, asked: Asked, request_id: str) -> None:
    if decision.refusal in _ALARMING:
        tell = _log.error
    else:
        # Of made-up keys and of those over a limit there may be thousands a second; the audit counts them.
        known = decision.key is not None and decision.retry_after is None
        tell = _log.info if known else _log.debug
    tell(
        "denied",
        refusal=decision.refusal.value,
        key_id=decision.key.id if decision.key else "",
        about=decision.about,
        route=asked.demand.method if asked.demand else "",
        request_id=request_id,
    )
