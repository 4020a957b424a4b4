"""Joins what the check has to know of a key: itself, what its workspace may have, what that has used."""

from collections.abc import Callable

from gateway.access.domain.keys.known_key import KnownKey, Used
from gateway.access.domain.ports import Keys
from gateway.access.domain.workspaces.plans import Plans
from services.kernel.ids import WorkspaceId


class KeyDirectory:
    """Implements `KeyLookup`."""

    def __init__(self, keys: Keys, plans: Plans, used: Callable[[WorkspaceId], Used]) -> None:
        """`used` tells what a workspace (a live one or a twin) has used, or raises Unavailable."""
        self._keys = keys
        self._plans = plans
        self._used = used

    def find(self, public_id: str) -> KnownKey | None:
        """Return the key of that public id; raise Unavailable where the store does not answer."""
        owned = self._keys.find(public_id)
        if owned is None:
            return None
        return KnownKey(
            key=owned.key,
            allowance=owned.workspace.allowance(self._plans),
            used=self._used(owned.key.workspace_id),
            workspace_closed=owned.workspace.is_closed,
        )
