"""What can go wrong with a question, beyond the kernel's errors."""

from services.kernel.errors import DomainError, ErrorKind


class ConversationNotFound(DomainError):
    """The conversation does not exist in the caller's workspace."""

    kind = ErrorKind.NOT_FOUND
    reason = "CONVERSATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such conversation.")


class UserTokenRefused(DomainError):
    """The end user's token is not accepted."""

    kind = ErrorKind.UNAUTHENTICATED
    reason = "USER_TOKEN_REFUSED"

    def __init__(self) -> None:
        super().__init__("The user_token is not accepted.")


class RevisionNotKept(DomainError):
    """What the knowledge base held at a revision is not kept any more, or is too much to be searched."""

    kind = ErrorKind.NOT_FOUND
    reason = "REVISION_NOT_KEPT"


class PastRefused(DomainError):
    """The past shows what was taken back since: more than a page's visitors are to see."""

    kind = ErrorKind.PERMISSION_DENIED
    reason = "PUBLISHABLE_KEY_REFUSED"

    def __init__(self) -> None:
        super().__init__("Publishable keys may not ask for a knowledge_revision.")


class ExplanationRefused(DomainError):
    """An explanation shows what was found and not quoted: more than a page's visitors are to see."""

    kind = ErrorKind.PERMISSION_DENIED
    reason = "PUBLISHABLE_KEY_REFUSED"

    def __init__(self) -> None:
        super().__init__("Publishable keys may not ask for an explanation.")
