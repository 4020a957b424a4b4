"""What access needs from a store."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from gateway.access.domain.key import Key
from gateway.access.domain.workspace import Workspace
from services.kernel.pages import Place


class KeyLookup(Protocol):
    """Finds a key for the check."""

    def find(self, public_id: str) -> Key | None:
        """
        Return the key of that public id, revoked and expired ones included; None where there is none.

        It is the one look-up without a workspace: the key is what tells the workspace.

        Raises:
            Unavailable: the store can't be asked.
        """


class Keys(KeyLookup, Protocol):
    """The keys that were given out."""

    def add(self, key: Key) -> None:
        """Keep a new key."""

    def revoke(self, key_id: str, now: datetime) -> Key | None:
        """Return the key, revoked (from the first time on, if repeated); None where there is none."""

    def page(self, workspace: Workspace, size: int, after: Place | None) -> list[Key]:
        """
        Return at most `size` keys of a workspace and its twin, newest first.

        `after` is the place of the last key of the page before.
        """

    def touch(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys were last used, by id; an earlier instant than the noted one changes nothing."""


class Workspaces(Protocol):
    """The workspaces of the installation."""

    def add(self, workspace: Workspace) -> None:
        """
        Keep a new workspace and its twin.

        Raises:
            WorkspaceNameTaken: another has the name.
        """

    def find(self, name_or_id: str) -> Workspace | None:
        """
        Return the workspace of that id, else the one of that name; None where there is none.

        A twin's id finds nothing: naming the twin would leave open which of the two is meant.
        """

    def page(self, size: int, after: Place | None) -> list[Workspace]:
        """
        Return at most `size` workspaces, oldest first.

        `after` is the place of the last one of the page before.
        """
