"""Where pages come from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from gateway.client.folder import Page, Unreadable, read_folder


class Source(Protocol):
    """
    Pages under a name.

    The name marks the documents that are made of them, so that two sources of one workspace leave each
    other's alone.
    """

    @property
    def name(self) -> str:
        """At most 512 characters."""

    def read(self) -> Iterable[Page | Unreadable]:
        """
        Returns all that there is now; what is there and can't be read is named, so that it does not vanish.

        Raises:
            ClientError: nobody can say what there is.
        """


class Folder:
    """A folder of pages; the name of each is its path below the folder."""

    def __init__(self, path: Path) -> None:
        self.name = path.resolve().name
        self._path = path

    def read(self) -> Iterable[Page | Unreadable]:
        """Returns every file of a known kind."""
        return read_folder(self._path)
