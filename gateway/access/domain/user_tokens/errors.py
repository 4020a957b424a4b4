"""What can go wrong with end users' tokens and the keys that sign them."""

from enum import StrEnum

from services.kernel.errors import DomainError, ErrorKind


class Because(StrEnum):
    """Why a token is refused: for the log and the metrics, never for whoever sent it."""

    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    KEY_UNKNOWN = "key_unknown"
    KEY_AMBIGUOUS = "key_ambiguous"
    KEY_SET_UNAVAILABLE = "key_set_unavailable"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    TIMES = "times"
    LIFETIME = "lifetime"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    CLAIM = "claim"


class UserTokenRefused(DomainError):
    """A token is not accepted: one text for all reasons; `because` is for the log alone."""

    kind = ErrorKind.UNAUTHENTICATED
    reason = "USER_TOKEN_REFUSED"

    def __init__(self, because: Because) -> None:
        super().__init__("The user_token is not accepted.")
        self.because = because


class UserKeyNotFound(DomainError):
    """No signing key has that id."""

    kind = ErrorKind.NOT_FOUND
    reason = "USER_KEY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No signing key has this kid.")


class KeySetUnavailable(Exception):
    """A key set can't be had; the text says why, for the log."""


class UnfitPublicKey(ValueError):
    """A text is no public key of its algorithm; the error's text says what is wrong, and holds none of it."""
