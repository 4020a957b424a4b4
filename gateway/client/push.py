"""Bringing a folder of pages into a workspace, so that a broken push is gone on with by doing it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gateway.client.delivery import Delivery, Failure, Progress, PushResult, Workspace
from gateway.client.folder import Unreadable, read_folder


class Push:
    """
    Sends what is new or changed in a folder and waits until it is in the index.

    Documents of the workspace that the folder does not have are left alone.
    """

    def __init__(
        self, workspace: Workspace, *, sleep: Callable[[float], None] = time.sleep, poll: float = 0.5
    ) -> None:
        self._workspace = workspace
        self._sleep = sleep
        self._poll = poll

    def run(self, folder: Path, progress: Progress) -> PushResult:
        """
        Pushes the folder.

        Raises:
            ClientError: the system refused or was away for too long; doing it again goes on from there.
        """
        pages = list(read_folder(folder))
        present = {each["external_id"]: each for each in self._workspace.documents() if each["external_id"]}
        delivery = Delivery(self._workspace, present, sleep=self._sleep, poll=self._poll)
        for each in pages:
            if isinstance(each, Unreadable):
                delivery.outcomes.fail(Failure(each.external_id, "UNREADABLE", each.reason))
            else:
                delivery.expect(each)
        delivery.run(progress)
        return delivery.outcomes.result()
