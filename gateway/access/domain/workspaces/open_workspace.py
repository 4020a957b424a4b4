"""The workspace that the operator names, where something is to be made in it."""

from gateway.access.domain.errors import WorkspaceNotFound
from gateway.access.domain.ports import Workspaces
from gateway.access.domain.workspaces.workspace import Workspace


def open_workspace(workspaces: Workspaces, name_or_id: str) -> Workspace:
    """
    Return the workspace of that id or name.

    Raises:
        WorkspaceNotFound: there is none, or it was closed.
    """
    workspace = workspaces.find(name_or_id)
    if workspace is None or workspace.is_closed:
        raise WorkspaceNotFound
    return workspace
