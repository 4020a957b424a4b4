"""A database on which the process dies at a commit."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from services.runtime.database import Database
from tests.fakes.failing_embedder import Killed


class DyingDatabase(Database):
    """One that works, until `dies` says that the next write ends `before` or `after` its commit."""

    dies = ""

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, perhaps the last one of the process."""
        dies, self.dies = self.dies, ""
        with super().write() as connection:
            yield connection
            if dies == "before":
                raise Killed
        if dies == "after":
            raise Killed
