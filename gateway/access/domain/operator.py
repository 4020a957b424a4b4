"""What the operator of the installation does with workspaces and keys."""

from collections.abc import Callable

from gateway.access.domain.errors import KeyNotFound, WorkspaceNotFound
from gateway.access.domain.key import Key, KeyWish
from gateway.access.domain.ports import Keys, Workspaces
from gateway.access.domain.workspace import Workspace
from services.kernel.clock import Clock
from services.kernel.pages import Page, Place, page_of, page_size, place_in


class Operator:
    """Makes, lists and revokes."""

    def __init__(
        self, workspaces: Workspaces, keys: Keys, clock: Clock, forget_key: Callable[[str], None]
    ) -> None:
        """`forget_key` drops what this process remembers of a key, by its public id."""
        self._workspaces = workspaces
        self._keys = keys
        self._clock = clock
        self._forget_key = forget_key

    def create_workspace(self, name: str, plan: str) -> Workspace:
        """
        Make a workspace and its twin; an empty plan stands for growth.

        Raises:
            InvalidArgument: the name or the plan breaks a rule.
            WorkspaceNameTaken: another has the name.
        """
        workspace = Workspace.create(name, plan, self._clock.now())
        self._workspaces.add(workspace)
        return workspace

    def list_workspaces(self, size: int, token: str) -> Page[Workspace]:
        """Return a page of workspaces, oldest first."""
        size = page_size(size)
        filters = {"list": "workspaces"}
        found = self._workspaces.page(size + 1, place_in(token, filters))
        return page_of(found, size, filters, lambda each: Place(each.created_at, each.id))

    def create_key(self, wish: KeyWish) -> tuple[Key, str]:
        """
        Make a key; return it and its whole text, which is kept nowhere.

        Raises:
            InvalidArgument: the wish breaks a rule.
            WorkspaceNotFound: there is no such workspace.
        """
        wish.check()
        key, presented = wish.grant(self._workspace(wish.workspace), self._clock.now())
        self._keys.add(key)
        return key, presented.reveal()

    def list_keys(self, name_or_id: str, size: int, token: str) -> Page[Key]:
        """
        Return a page of a workspace's and its twin's keys, newest first.

        Raises:
            WorkspaceNotFound: there is no such workspace.
        """
        size = page_size(size)
        workspace = self._workspace(name_or_id)
        filters = {"list": "keys", "workspace": workspace.id}
        found = self._keys.page(workspace, size + 1, place_in(token, filters))
        return page_of(found, size, filters, lambda each: Place(each.created_at, each.id))

    def revoke_key(self, key_id: str) -> Key:
        """
        Revoke a key for good; once more changes nothing.

        Raises:
            KeyNotFound: there is no such key.
        """
        key = self._keys.revoke(key_id, self._clock.now())
        if key is None:
            raise KeyNotFound
        self._forget_key(key.public_id)
        return key

    def _workspace(self, name_or_id: str) -> Workspace:
        workspace = self._workspaces.find(name_or_id)
        if workspace is None:
            raise WorkspaceNotFound
        return workspace
