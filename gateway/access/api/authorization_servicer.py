"""Envoy's question before every request (ext_authz)."""

from collections.abc import Callable

import grpc
import structlog
from envoy.service.auth.v3 import external_auth_pb2 as auth_pb2
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_pb2_grpc
from prometheus_client import Counter

from gateway.access.api import answers
from gateway.access.api.answers import PassedAnswers
from gateway.access.domain.check import Demand, Denied, Passed, Refusal
from services.runtime.interceptors.caller import REQUEST_ID
from services.runtime.interceptors.errors import foreseen
from services.runtime.settings import Secret

SERVICE = "envoy.service.auth.v3.Authorization"

CHECKS = Counter(
    "access_checks_total", "Checks by how they ended: passed, failed or why refused.", ["outcome"]
)

# These are about the installation, not about a caller.
_OURS = frozenset({Refusal.ROUTE_WITHOUT_RULE, Refusal.STORE_UNAVAILABLE})

_log = structlog.get_logger(__name__)


class AuthorizationServicer(auth_pb2_grpc.AuthorizationServicer):
    """
    Answers Envoy; never raises, since a failed check would reach the caller in Envoy's words instead of ours.

    The answer to a request that passes holds the internal credential: only who has it already may ask, and
    Envoy sends it along.
    """

    def __init__(self, check: Callable[[Demand | None, str], Passed | Denied], credential: Secret) -> None:
        self._check = check
        self._passed = PassedAnswers(credential)

    def Check(self, request: auth_pb2.CheckRequest, context: grpc.ServicerContext) -> auth_pb2.CheckResponse:
        """Decide on one request."""
        headers = request.attributes.request.http.headers
        route = request.attributes.context_extensions
        request_id = headers.get(REQUEST_ID, "")
        try:
            decision = self._check(Demand.of(route), headers.get("authorization", ""))
            if isinstance(decision, Passed):
                CHECKS.labels("passed").inc()
                return self._passed.answer(decision)
            CHECKS.labels(decision.refusal.value).inc()
            _tell(decision, route.get("route", ""), request_id)
            return answers.denied(decision, request_id)
        except Exception as error:
            CHECKS.labels("failed").inc()
            return answers.failed(foreseen(error, "Check").detail, request_id)


def _tell(decision: Denied, route: str, request_id: str) -> None:
    tell = _log.error if decision.refusal in _OURS else _log.info
    tell(
        "denied",
        refusal=decision.refusal.value,
        key_id=decision.key_id,
        scope=decision.scope,
        route=route,
        request_id=request_id,
    )
