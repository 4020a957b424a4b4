"""End users by made-up tokens."""

from services.kernel.caller import Caller
from services.kernel.errors import DomainError
from services.query.domain.end_user import EndUser
from services.query.domain.errors import UserTokenRefused


class FakeEndUsers:
    """An `EndUsers`: `token-of-ann` is ann's. Set `failure` to let every call raise it."""

    def __init__(self) -> None:
        self.failure: DomainError | None = None

    def vouched(self, caller: Caller, user_token: str) -> EndUser:
        """Return whose a token is."""
        if self.failure is not None:
            raise self.failure
        kind, _, subject = user_token.rpartition("-")
        if kind != "token-of" or not subject:
            raise UserTokenRefused
        return EndUser("shop", subject)
