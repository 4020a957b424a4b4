"""What can go wrong with conversations."""

from services.kernel.errors import DomainError, ErrorKind


class ConversationNotFound(DomainError):
    """The conversation does not exist in the caller's workspace."""

    kind = ErrorKind.NOT_FOUND
    reason = "CONVERSATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No conversation has this id.")
