"""The check of a `user_token`."""

from collections.abc import Iterator, Sequence

from gateway.access.domain.user_tokens.end_user import EndUser
from gateway.access.domain.user_tokens.errors import Because, UserTokenRefused
from gateway.access.domain.user_tokens.key_sets import KeySets
from gateway.access.domain.user_tokens.ports import UserKeys
from gateway.access.domain.user_tokens.signatures import PublicKey, SharedSecret, Signatures, VerifyingKey
from gateway.access.domain.user_tokens.token import Token
from gateway.access.domain.user_tokens.user_key import UserKey
from services.kernel.clock import Clock
from services.kernel.ids import WorkspaceId


class UserTokens:
    """Says whose a token is. Nothing is remembered: a key that is disabled is refused with the next token."""

    def __init__(self, keys: UserKeys, key_sets: KeySets, signatures: Signatures, clock: Clock) -> None:
        self._keys = keys
        self._key_sets = key_sets
        self._signatures = signatures
        self._clock = clock

    def end_user(self, workspace_id: WorkspaceId, text: str) -> EndUser:
        """
        Return who a token speaks for in a workspace (or in a twin).

        The algorithm is the key's, never the token's. A token without `kid` is taken only where the workspace
        has one key in force.

        Raises:
            UserTokenRefused: it does not hold, for one of many reasons.
            Unavailable: the keys can't be asked.
        """
        token = Token.parse(text)
        key = _chosen(self._keys.active(workspace_id), token)
        if token.algorithm != key.algorithm:
            raise UserTokenRefused(Because.ALGORITHM)
        if not self._signatures.verifies(key.algorithm, self._verifying(key, token), token.text):
            raise UserTokenRefused(Because.SIGNATURE)
        return EndUser.of(token.claims, key.issuer, key.audience, self._clock.now())

    def _verifying(self, key: UserKey, token: Token) -> VerifyingKey:
        if key.jwks_url:
            kid = None if token.kid == key.kid else token.kid
            return self._key_sets.key(key.jwks_url, key.algorithm, kid)
        return PublicKey(key.public_key) if key.public_key else SharedSecret(key.secret)


def _chosen(active: Sequence[UserKey], token: Token) -> UserKey:
    fitting = list(_fitting(active, token))
    if len(fitting) > 1:
        raise UserTokenRefused(Because.KEY_AMBIGUOUS)
    if not fitting:
        raise UserTokenRefused(Because.KEY_UNKNOWN)
    return fitting[0]


def _fitting(active: Sequence[UserKey], token: Token) -> Iterator[UserKey]:
    """
    Yield the keys that a token may mean.

    The keys of a set have names of their own: which set a name is looked up in, the issuer tells.
    """
    if token.kid is None:
        yield from active
        return
    named = [key for key in active if key.kid == token.kid]
    yield from named or (key for key in active if key.jwks_url and key.issuer == token.claims.get("iss"))
