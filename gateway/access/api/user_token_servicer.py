"""The RPC by which services ask who an end user is."""

import grpc
import structlog
from prometheus_client import Counter
from supportagent.access.v1 import user_token_service_pb2 as pb
from supportagent.access.v1 import user_token_service_pb2_grpc as pb_grpc

from gateway.access.api import convert_user_tokens as convert
from gateway.access.domain.user_tokens.errors import UserTokenRefused
from gateway.access.domain.user_tokens.verification import UserTokens
from services.runtime.interceptors.caller import caller

SERVICE = pb.DESCRIPTOR.services_by_name["UserTokenService"].full_name

CHECKED = Counter(
    "access_user_tokens_total",
    "Tokens of end users, by what came of them: accepted, or why not.",
    ["outcome"],
)

_log = structlog.get_logger(__name__)


class UserTokenServicer(pb_grpc.UserTokenServiceServicer):
    """Vouches for end users."""

    def __init__(self, tokens: UserTokens) -> None:
        self._tokens = tokens

    def VerifyUserToken(
        self, request: pb.VerifyUserTokenRequest, context: grpc.ServicerContext
    ) -> pb.VerifyUserTokenResponse:
        """Say whose a token is; why it is refused, only the log and the metric are told."""
        workspace_id = caller(context).workspace_id
        try:
            end_user = self._tokens.end_user(workspace_id, request.user_token)
        except UserTokenRefused as refused:
            _log.info("user_token_refused", workspace_id=workspace_id, because=refused.because.value)
            CHECKED.labels(refused.because.value).inc()
            raise
        CHECKED.labels("accepted").inc()
        return convert.verify_user_token_response(end_user)
