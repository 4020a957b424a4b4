"""A process's log: its output, appended, kept from growing without end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 20 * 1024 * 1024


class LogFile:
    """The file and one older piece of it, `NAME.log.1`."""

    def __init__(self, path: Path, largest: int = LARGEST_BYTES) -> None:
        self.path = path
        self._largest = largest

    def open(self) -> int:
        """Opens the file for a process to append to; the caller closes the descriptor."""
        self.trim()
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def trim(self) -> None:
        """
        Moves what is there aside once it is too large.

        The process holds the file open for appending, so it is copied and emptied rather than renamed; what
        is written in between is lost.
        """
        if self.path.exists() and self.path.stat().st_size > self._largest:
            shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
            os.truncate(self.path, 0)

    def tail(self, lines: int = 20) -> str:
        """The last lines."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 64 * 1024))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
