"""Signing keys and the check of user tokens over gRPC."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from prometheus_client import REGISTRY
from supportagent.access.v1 import user_key_service_pb2 as key_pb
from supportagent.access.v1 import user_token_service_pb2 as token_pb

from tests.fakes.token_maker import private_key, public_pem
from tests.rpc.access.user_token_server import OPERATOR, UserTokenServer, as_caller, token, user_token_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[UserTokenServer]:
    """Return the running services."""
    with user_token_server(tmp_path) as running:
        yield running


def verified(server: UserTokenServer, text: str, workspace_id: str) -> token_pb.EndUser:
    """Return whose a token is."""
    request = token_pb.VerifyUserTokenRequest(user_token=text)
    end_user: token_pb.EndUser = server.tokens.VerifyUserToken(
        request, metadata=as_caller(workspace_id)
    ).end_user
    return end_user


def reason(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """Return code and reason of a failed call."""
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert not info.metadata
    return error.code(), info.reason


def test_a_key_signs_for_its_workspace(server: UserTokenServer) -> None:
    """From its making to whose a token is."""
    key = server.key()
    acme = server.workspaces["acme"].id
    assert (key.alg, key.iss, key.aud, key.environment) == ("HS256", "acme", acme, "live")
    more: dict[str, Any] = {"email": "a@b.example", "email_verified": True, "stripe_customer_id": "cus_1"}
    end_user = verified(server, token(key, **more), acme)
    assert (end_user.issuer, end_user.subject) == ("acme", "ann")
    assert (end_user.email, end_user.email_verified) == ("a@b.example", True)
    assert (end_user.stripe_customer_id, end_user.shopify_customer_id) == ("cus_1", "")
    assert end_user.expires_at.seconds - end_user.issued_at.seconds == 600


def test_every_refusal_is_one(server: UserTokenServer, capsys: pytest.CaptureFixture[str]) -> None:
    """One status, reason and text outside; log and metric know why, and nobody the token."""
    key, acme = server.key(), server.workspaces["acme"].id
    good = token(key)
    cases = {
        "expired": (token(key, exp=1, iat=0), acme),
        "audience": (token(key, aud="else"), acme),
        "signature": (good[:-8] + "AAAAAAAA", acme),
        "malformed": ("nonsense", acme),
        "too_long": ("x" * 1_000_000, acme),
        "key_unknown": (good, server.workspaces["other"].id),
    }
    told = set()
    for because, (text, workspace_id) in cases.items():
        before = _counted(because)
        with pytest.raises(grpc.RpcError) as raised:
            verified(server, text, workspace_id)
        assert reason(raised.value) == (grpc.StatusCode.UNAUTHENTICATED, "USER_TOKEN_REFUSED")
        told.add(raised.value.details())
        assert _counted(because) == before + 1
        output = "".join(capsys.readouterr())
        assert because in output
        assert text[:200] not in output
        assert text.rpartition(".")[2][:30] not in output
    assert told == {"The user_token is not accepted."}


def test_a_disabled_key_is_refused_at_once(server: UserTokenServer) -> None:
    """And stays in the list, without its secret."""
    key, acme = server.key(), server.workspaces["acme"].id
    text = token(key)
    verified(server, text, acme)
    request = key_pb.DisableUserKeyRequest(kid=key.kid)
    for _ in range(2):
        disabled = server.keys.DisableUserKey(request, metadata=OPERATOR).user_key
        assert disabled.HasField("disabled_at")
    with pytest.raises(grpc.RpcError) as raised:
        verified(server, text, acme)
    assert reason(raised.value)[1] == "USER_TOKEN_REFUSED"
    listed = server.keys.ListUserKeys(key_pb.ListUserKeysRequest(workspace="acme"), metadata=OPERATOR)
    assert list(listed.items) == [disabled]
    assert not listed.items[0].HasField("secret")


def test_a_public_key_has_no_secret(server: UserTokenServer) -> None:
    """It is shown as often as one likes."""
    pem = public_pem(private_key("EdDSA"))
    key = server.key(alg="EdDSA", public_key=pem, environment="test", iss="login")
    assert (key.public_key, key.iss, key.environment) == (pem, "login", "test")
    assert key.aud == server.workspaces["acme"].test_id
    assert not key.HasField("secret")


def test_violations_have_pointers(server: UserTokenServer) -> None:
    """All at once."""
    with pytest.raises(grpc.RpcError) as raised:
        server.key(alg="none", environment="prod")
    status = rpc_status.from_call(raised.value)
    bad_request = error_details_pb2.BadRequest()
    assert status is not None
    assert any(detail.Unpack(bad_request) for detail in status.details)
    assert [each.field for each in bad_request.field_violations] == ["/environment", "/alg"]


def test_unknown_keys_and_workspaces(server: UserTokenServer) -> None:
    """Each has its reason."""
    with pytest.raises(grpc.RpcError) as raised:
        server.keys.DisableUserKey(key_pb.DisableUserKeyRequest(kid="uk_0"), metadata=OPERATOR)
    assert reason(raised.value) == (grpc.StatusCode.NOT_FOUND, "USER_KEY_NOT_FOUND")
    with pytest.raises(grpc.RpcError) as raised:
        server.key("nobody")
    assert reason(raised.value) == (grpc.StatusCode.NOT_FOUND, "WORKSPACE_NOT_FOUND")


def test_only_services_ask_and_for_a_workspace(server: UserTokenServer) -> None:
    """A stranger gets no answer, nor does a call in nobody's name."""
    request = token_pb.VerifyUserTokenRequest(user_token=token(server.key()))
    with pytest.raises(grpc.RpcError) as raised:
        server.tokens.VerifyUserToken(request, metadata=(("x-workspace-id", "ws_1"),))
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as raised:
        server.tokens.VerifyUserToken(request, metadata=OPERATOR)
    assert reason(raised.value) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


def _counted(because: str) -> float:
    return REGISTRY.get_sample_value("access_user_tokens_total", {"outcome": because}) or 0.0
