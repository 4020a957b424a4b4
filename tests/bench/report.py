"""The benchmark's report: written step by step, so that a run that ends early leaves what it has."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Report:
    """A tree of figures in a JSON file, and a line per step on standard error."""

    def __init__(self, path: Path) -> None:
        self.content: dict[str, Any] = {"failed": {}}
        self._path = path
        self._began = time.monotonic()

    @property
    def minutes(self) -> float:
        """How long the run has taken."""
        return (time.monotonic() - self._began) / 60

    def say(self, what: str) -> None:
        """Tell what begins now."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        print(f"{time.strftime('%H:%M:%S')} (+{minutes:02}:{seconds:02}) {what}", file=sys.stderr, flush=True)

    def put(self, *place: str, value: object) -> None:
        """Set one value at a place in the tree, and write the file."""
        branch = self.content
        for name in place[:-1]:
            branch = branch.setdefault(name, {})
        branch[place[-1]] = value
        self.write()

    def step(self, name: str, run: Callable[[], None]) -> bool:
        """Run one step; where it fails, say so here and in the report, and return False."""
        self.say(name)
        try:
            run()
        except Exception as error:  # whatever it is: the other steps' figures must not be lost
            self.say(f"{name} FAILED: {error!r}")
            self.put("failed", name, value=repr(error))
            return False
        return True

    def write(self) -> None:
        """Write all there is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(self.content, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self._path)
