"""A machine that stops between two steps on the file system."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"})


class PowerCut(BaseException):
    """The machine stops here. Nothing that handles errors handles this."""


class _Machine:
    """Sees every step of this process in one folder; once it is off, every further step fails too."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.steps_left = 0

    def sees(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None or not (event in _CHANGES or event == "open"):
            return
        if isinstance(arguments[0], str | os.PathLike) and os.fspath(arguments[0]).startswith(self.folder):
            if self.steps_left <= 0:
                raise PowerCut
            self.steps_left -= 1


_machine = _Machine()
# For as long as the process lives: there is no way to take it off.
sys.addaudithook(_machine.sees)


@contextmanager
def power_cut(folder: Path, after_steps: int) -> Iterator[None]:
    """
    Stop everything that this process does in a folder after some steps; raises PowerCut where it is felt.

    A step is to open, make, link, rename or delete a file by Python's means.
    """
    _machine.folder, _machine.steps_left = str(folder), after_steps
    try:
        yield
    finally:
        _machine.folder = None
