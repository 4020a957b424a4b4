"""End users, vouched for by access."""

import grpc
from supportagent.access.v1 import user_token_service_pb2 as pb
from supportagent.access.v1 import user_token_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import DeadlineExceeded, DomainError, ErrorKind, Unavailable
from services.query.domain.end_user import EndUser
from services.query.domain.errors import UserTokenRefused
from services.runtime.call import acting_as, seconds_left
from services.runtime.channel import call

IDEMPOTENT = ("/supportagent.access.v1.UserTokenService/VerifyUserToken",)

_PASSED_ON = (ErrorKind.UNAVAILABLE, ErrorKind.CANCELLED)


class UserTokens:
    """Implements `EndUsers`. A token that access does not vouch for is never taken for none."""

    def __init__(self, channel: grpc.Channel, timeout: float) -> None:
        self._stub = pb_grpc.UserTokenServiceStub(channel)
        self._timeout = timeout

    def vouched(self, caller: Caller, user_token: str) -> EndUser:
        """Return whose a token is."""
        request = pb.VerifyUserTokenRequest(user_token=user_token)
        try:
            with acting_as(caller, seconds_left()):
                found = call(self._stub.VerifyUserToken, request, timeout=self._timeout).end_user
        except DeadlineExceeded:
            raise Unavailable("User tokens can't be verified now.") from None
        except DomainError as error:
            # By its reason: the check may refuse this service itself.
            if error.reason == UserTokenRefused.reason:
                raise UserTokenRefused from None
            if error.kind in _PASSED_ON:
                raise
            raise RuntimeError(f"access refused a question of ours: {error.reason}") from error
        return EndUser(found.issuer, found.subject)
