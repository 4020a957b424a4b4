"""What can go wrong for the operator."""

from services.kernel.errors import DomainError, ErrorKind


class WorkspaceNotFound(DomainError):
    """No workspace has that name or id, or it was closed."""

    kind = ErrorKind.NOT_FOUND
    reason = "WORKSPACE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No workspace has this name or id.")


class WorkspaceNameTaken(DomainError):
    """The name is in use."""

    kind = ErrorKind.ALREADY_EXISTS
    reason = "WORKSPACE_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"The name {name} is in use.")


class KeyNotFound(DomainError):
    """No key has that id."""

    kind = ErrorKind.NOT_FOUND
    reason = "KEY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No key has this id.")


class KeyNotRotatable(DomainError):
    """The key has ended or has a successor."""

    kind = ErrorKind.FAILED_PRECONDITION
    reason = "KEY_NOT_ROTATABLE"

    def __init__(self) -> None:
        super().__init__("The key is revoked, expired or already rotated; create a new one.")
