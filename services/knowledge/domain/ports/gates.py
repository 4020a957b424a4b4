"""What has a say before a generation serves."""

from collections.abc import Sequence
from typing import Protocol

from services.kernel.ids import WorkspaceId
from services.knowledge.domain.operation import ItemError
from services.knowledge.domain.ports.bases import Base


class SwitchGate(Protocol):
    """
    Is asked when the next generation is whole and every live replica has it, before the switch is set.

    Nothing is locked meanwhile, so that it may take its time; it may be asked more than once.
    """

    def objections(self, workspace_id: WorkspaceId, base: Base) -> Sequence[ItemError]:
        """
        Return why `base.next` must not serve, each objection with the document that it is about.

        Any of them ends the re-index as failed, and the old generation serves on.
        """
        ...
