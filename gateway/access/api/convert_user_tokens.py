"""Between the messages about end users and the domain."""

from supportagent.access.v1 import user_key_service_pb2 as key_pb
from supportagent.access.v1 import user_token_service_pb2 as token_pb

from gateway.access.domain.user_tokens.end_user import EndUser
from gateway.access.domain.user_tokens.user_key import UserKey, UserKeyWish
from services.kernel.pages import Page
from services.runtime.timestamps import timestamp


def user_key_wish(request: key_pb.CreateUserKeyRequest) -> UserKeyWish:
    """Return what the operator asks for."""
    return UserKeyWish(
        workspace=request.workspace,
        environment=request.environment,
        algorithm=request.alg,
        issuer=request.iss,
        public_key=request.public_key,
        jwks_url=request.jwks_url,
    )


def create_user_key_response(key: UserKey) -> key_pb.CreateUserKeyResponse:
    """Return the key that was made, with its secret where it has one."""
    message = _user_key(key)
    if key.secret:
        message.secret = key.secret
    return key_pb.CreateUserKeyResponse(user_key=message)


def list_user_keys_response(page: Page[UserKey]) -> key_pb.ListUserKeysResponse:
    """Return a page of keys."""
    return key_pb.ListUserKeysResponse(
        items=[_user_key(each) for each in page.items], next_page_token=page.next_token
    )


def disable_user_key_response(key: UserKey) -> key_pb.DisableUserKeyResponse:
    """Return the key as it is now."""
    return key_pb.DisableUserKeyResponse(user_key=_user_key(key))


def verify_user_token_response(end_user: EndUser) -> token_pb.VerifyUserTokenResponse:
    """Return who a token speaks for."""
    return token_pb.VerifyUserTokenResponse(
        end_user=token_pb.EndUser(
            issuer=end_user.issuer,
            subject=end_user.subject,
            issued_at=timestamp(end_user.issued_at),
            expires_at=timestamp(end_user.expires_at),
            email=end_user.email,
            email_verified=end_user.email_verified,
            stripe_customer_id=end_user.stripe_customer_id,
            shopify_customer_id=end_user.shopify_customer_id,
        )
    )


def _user_key(key: UserKey) -> key_pb.UserKey:
    return key_pb.UserKey(
        kid=key.kid,
        workspace_id=key.workspace_id,
        environment=key.environment,
        alg=key.algorithm,
        iss=key.issuer,
        aud=key.audience,
        public_key=key.public_key,
        jwks_url=key.jwks_url,
        created_at=timestamp(key.created_at),
        disabled_at=None if key.disabled_at is None else timestamp(key.disabled_at),
    )
