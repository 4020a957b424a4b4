"""The ways to tell end users keep their promises: the fake, and the client to the real access."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from supportagent.access.v1 import user_token_service_pb2 as pb
from supportagent.access.v1 import user_token_service_pb2_grpc as pb_grpc

from services.kernel.caller import Caller
from services.kernel.errors import DomainError, ErrorKind, Unavailable
from services.kernel.ids import WorkspaceId
from services.query.clients.user_tokens import UserTokens
from services.query.domain.end_user import EndUser
from services.query.domain.errors import UserTokenRefused
from services.query.domain.ports import EndUsers
from services.runtime.call import acting_as
from services.runtime.channel import open_channel
from services.runtime.interceptors.caller import InternalCredentialRefused
from services.runtime.server import Service, start_server
from services.runtime.settings import Secret
from tests.fakes.end_users import FakeEndUsers
from tests.rpc.access.user_token_server import CREDENTIAL, token, user_token_server


@dataclass(frozen=True)
class Given:
    """A way to tell end users, and ann's token, who is of `issuer`."""

    end_users: EndUsers
    caller: Caller
    token: str
    issuer: str


class EndUsersContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def given(self) -> Given:
        """Return what the suite needs."""

    def test_whose_a_token_is(self, given: Given) -> None:
        """Issuer and subject."""
        assert given.end_users.vouched(given.caller, given.token) == EndUser(given.issuer, "ann")

    @pytest.mark.parametrize("text", ["nonsense", "a.b.c", "", "\0", "ü" * 5_000])
    def test_nobodys_token_is_refused(self, given: Given, text: str) -> None:
        """Never taken for no token."""
        with pytest.raises(UserTokenRefused):
            given.end_users.vouched(given.caller, text)


class TestFakeEndUsers(EndUsersContract):
    """In memory."""

    @pytest.fixture
    def given(self) -> Given:
        """Return the fake."""
        return Given(FakeEndUsers(), Caller(WorkspaceId("ws_acme")), "token-of-ann", "shop")


class TestUserTokens(EndUsersContract):
    """Over gRPC, to the service that `python -m gateway.access` runs."""

    @pytest.fixture
    def given(self, tmp_path: Path) -> Iterator[Given]:
        """Return a client of a fresh access."""
        with ExitStack() as stack:
            server = stack.enter_context(user_token_server(tmp_path))
            channel = stack.enter_context(open_channel(server.running.address, credential=CREDENTIAL))
            caller = Caller(server.workspaces["acme"].id)
            yield Given(UserTokens(channel, 5.0), caller, token(server.key()), "acme")

    def test_another_workspaces_token_is_refused(self, given: Given) -> None:
        """It is nobody's here."""
        with pytest.raises(UserTokenRefused):
            given.end_users.vouched(Caller(WorkspaceId("ws_else")), given.token)


class FailingAccess(pb_grpc.UserTokenServiceServicer):
    """An access that fails as it is told."""

    def __init__(self) -> None:
        self.error: Exception = Unavailable("away")

    def VerifyUserToken(
        self, request: pb.VerifyUserTokenRequest, context: grpc.ServicerContext
    ) -> pb.VerifyUserTokenResponse:
        """Fail."""
        raise self.error


class _Overloaded(DomainError):
    kind = ErrorKind.UNAUTHENTICATED
    reason = "SOMETHING_ELSE"


class TestAccessFails:
    """What is not a refusal of the token is none, and no yes."""

    @pytest.fixture(autouse=True)
    def _running(self) -> Iterator[None]:
        self.access, credential = FailingAccess(), Secret("test")
        service = Service(
            "supportagent.access.v1.UserTokenService",
            pb_grpc.add_UserTokenServiceServicer_to_server,
            self.access,
        )
        server = start_server([service], credential=credential)
        with open_channel(server.address, credential=credential) as channel:
            self.end_users = UserTokens(channel, 1.0)
            self.stop = server.stop
            yield
        server.stop()

    def vouched(self) -> EndUser:
        """Ask."""
        caller = Caller(WorkspaceId("ws_acme"))
        with acting_as(caller, 10):
            return self.end_users.vouched(caller, "token")

    def test_away(self) -> None:
        """Said by itself, or because nobody is there."""
        for _ in range(2):
            with pytest.raises(DomainError) as raised:
                self.vouched()
            assert raised.value.kind is ErrorKind.UNAVAILABLE
            self.stop()

    @pytest.mark.parametrize(
        "error", [ValueError("unforeseen"), InternalCredentialRefused("strangers"), _Overloaded("else")]
    )
    def test_what_should_not_happen(self, error: Exception) -> None:
        """It is our fault, not the token's."""
        self.access.error = error
        with pytest.raises(RuntimeError):
            self.vouched()
