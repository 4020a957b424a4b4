"""Local files of a replica whose process dies at a chosen step."""

from collections.abc import Callable
from typing import Any, cast

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.ports import PassageStore, StoreDirectory, StoreInfo
from tests.fakes.failing_embedder import Killed

# Of a file of passages: what changes something on the disk.
_STEPS = frozenset({"apply", "settle", "erase", "checkpoint", "close"})


class Life:
    """Counts the steps of a process, and ends it after the `last`; once it is dead it does nothing more."""

    FOR_EVER = 1 << 60

    def __init__(self, last: int = FOR_EVER) -> None:
        self.last = last
        self.steps = 0

    def step(self, do: Callable[..., Any], *arguments: object) -> Any:
        """Do something, unless dead."""
        if self.steps >= self.last:
            raise Killed
        self.steps += 1
        done = do(*arguments)
        if self.steps == self.last:
            raise Killed
        return done


class CrashingDirectory:
    """A StoreDirectory that passes everything on as long as its process lives."""

    def __init__(self, directory: StoreDirectory, life: Life) -> None:
        self._directory = directory
        self._life = life

    def existing(self) -> list[StoreInfo]:
        """Return the readable files."""
        return cast(list[StoreInfo], self._life.step(self._directory.existing))

    def create(self, workspace_id: WorkspaceId, generation: int, model: EmbeddingModel) -> PassageStore:
        """Make an empty file."""
        return self._mortal(self._life.step(self._directory.create, workspace_id, generation, model))

    def open(self, info: StoreInfo) -> PassageStore:
        """Open a file."""
        return self._mortal(self._life.step(self._directory.open, info))

    def delete(self, info: StoreInfo) -> None:
        """Delete a file and its caches."""
        self._life.step(self._directory.delete, info)

    def erase(self, info: StoreInfo) -> StoreInfo:
        """Take what was deleted out of a file."""
        return cast(StoreInfo, self._life.step(self._directory.erase, info))

    def _mortal(self, store: PassageStore) -> PassageStore:
        return cast(PassageStore, _CrashingPassages(store, self._life))


class _CrashingPassages:
    """A PassageStore, of which everything but the steps is the real one's."""

    def __init__(self, store: PassageStore, life: Life) -> None:
        self._store = store
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return (lambda *arguments: self._life.step(found, *arguments)) if name in _STEPS else found
