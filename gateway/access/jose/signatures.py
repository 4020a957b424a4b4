"""Signatures of tokens, verified by PyJWT."""

import base64

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from gateway.access.domain.user_tokens.algorithm import Algorithm
from gateway.access.domain.user_tokens.errors import UnfitPublicKey
from gateway.access.domain.user_tokens.key_set import Jwk
from gateway.access.domain.user_tokens.signatures import PublicKey, SharedSecret, VerifyingKey
from gateway.access.jose.public_keys import Key, from_jwk, from_pem


class JoseSignatures:
    """Implements `Signatures`."""

    def __init__(self) -> None:
        # One verifier for each: what an algorithm's own does not know can't be chosen by a token.
        options = {"verify_signature": True, "enforce_minimum_key_length": True}
        self._verifiers = {each: PyJWS([each.value], options) for each in Algorithm}  # type: ignore[arg-type]

    def verifies(self, algorithm: Algorithm, key: VerifyingKey, token: str) -> bool:
        """Whether a token was signed with that key and that algorithm."""
        try:
            candidates = _candidates(algorithm, key)
        except UnfitPublicKey:
            return False
        return any(self._verifies(algorithm, each, token) for each in candidates)

    def _verifies(self, algorithm: Algorithm, key: Key | bytes, token: str) -> bool:
        try:
            self._verifiers[algorithm].decode(token, key, algorithms=[algorithm.value])
        except PyJWTError:
            return False
        return True


def _candidates(algorithm: Algorithm, key: VerifyingKey) -> list[Key | bytes]:
    match key:
        case SharedSecret(text):
            # Back ends sign with the text as it was given out, or with the bytes that it stands for. Both are
            # 256 bits that nobody can guess.
            if algorithm.has_public_key or not text:
                return []
            return [text.encode(), base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))]
        case PublicKey(pem):
            return [from_pem(algorithm, pem)]
        case Jwk():
            return [from_jwk(algorithm, key)]
