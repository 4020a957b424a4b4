"""Who calls: set by the gateway alone, carried from service to service."""

from dataclasses import dataclass

from services.kernel.ids import WorkspaceId


@dataclass(frozen=True)
class Caller:
    """
    The API key behind a request.

    The end user's subject is no part of it: only access can vouch for one.
    """

    workspace_id: WorkspaceId
    key_id: str = ""
    scopes: frozenset[str] = frozenset()
    environment: str = "live"
    request_id: str = ""
    # A key that stands in a page's source: its requests are anybody's.
    publishable: bool = False
