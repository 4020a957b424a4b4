"""The folder of a replica: its id and a file per workspace and generation."""

import fcntl
import re
import secrets
import shutil
from pathlib import Path

import structlog

from services.kernel.ids import WorkspaceId, new_id
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.errors import ChangesRefused, StoreDamaged
from services.vector_search.domain.ports import PassageStore, StoreInfo
from services.vector_search.domain.snapshot import IndexCache
from services.vector_search.storage.index_folder import IndexFolder
from services.vector_search.storage.state import state_of
from services.vector_search.storage.workspace_file import WorkspaceFile

_log = structlog.get_logger(__name__)

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIX = ".sqlite"
_INDEX_SUFFIX = ".index"


class DataDirectoryInUse(Exception):
    """Another process has this folder."""


class DataDirectory:
    """
    The store directory port over a folder.

    `replica_id` and `lock` lie in it, `workspaces/<workspace>/<generation>-<file id>.sqlite` below, with
    `<generation>-<file id>.index` beside it where its index is kept on disk.
    """

    def __init__(self, root: Path) -> None:
        """Take the folder; raises DataDirectoryInUse."""
        self._root = root
        self._workspaces = root / "workspaces"
        self._workspaces.mkdir(parents=True, exist_ok=True)
        self._lock = (root / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise DataDirectoryInUse(str(root)) from None

    def release(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    def replica_id(self) -> str:
        """Return this replica's id, made at first and kept over restarts."""
        path = self._root / "replica_id"
        if path.exists() and _SAFE_ID.fullmatch(known := path.read_text().strip()):
            return known
        made = new_id("rep")
        temporary = path.with_suffix(".tmp")
        temporary.write_text(made + "\n")
        temporary.replace(path)
        return made

    def existing(self) -> list[StoreInfo]:
        """Return the readable files; damaged ones are reported and deleted, and so is what has no file."""
        for folder in self._workspaces.glob(f"*/*{_INDEX_SUFFIX}"):
            if not folder.with_suffix(_SUFFIX).exists():
                shutil.rmtree(folder, ignore_errors=True)
        found = []
        for path in sorted(self._workspaces.glob(f"*/*{_SUFFIX}")):
            try:
                info = state_of(path).info
                if path != self._path(info):
                    raise StoreDamaged("its name does not fit its content")
            except (StoreDamaged, ChangesRefused) as error:
                _log.error("workspace file dropped", file=path.name, problem=str(error))
                self._delete(path)
            else:
                found.append(info)
        return found

    def create(self, workspace_id: WorkspaceId, generation: int, model: EmbeddingModel) -> PassageStore:
        """Make an empty file."""
        file_id = secrets.token_hex(8)
        path = self._workspaces / _folder_name(workspace_id) / f"{generation}-{file_id}{_SUFFIX}"
        path.parent.mkdir(exist_ok=True)
        return WorkspaceFile.create(path, workspace_id, generation, file_id, model)

    def open(self, info: StoreInfo) -> PassageStore:
        """Open a file. Raises StoreDamaged."""
        store = WorkspaceFile.open(self._path(info))
        if (store.info.workspace_id, store.info.file_id) != (info.workspace_id, info.file_id):
            store.close()
            raise StoreDamaged("it is another workspace's file")
        return store

    def delete(self, info: StoreInfo) -> None:
        """Delete a file and its caches."""
        self._delete(self._path(info))

    def erase(self, info: StoreInfo) -> StoreInfo:
        """Take what was deleted or replaced out of a file that is not in memory, and out of its caches."""
        # Without reading them: whoever loads the file next makes its words anew.
        self.index_cache(info).forget_words(info.revision)
        store = self.open(info)
        try:
            store.erase(store.info.revision)
            return store.info
        finally:
            store.close()

    def index_cache(self, info: StoreInfo) -> IndexCache:
        """Return where the index of a file is kept."""
        return IndexFolder(_index_folder(self._path(info)))

    def _path(self, info: StoreInfo) -> Path:
        name = f"{info.generation}-{info.file_id}{_SUFFIX}"
        return self._workspaces / _folder_name(info.workspace_id) / name

    def _delete(self, path: Path) -> None:
        # The main file first: without it the others mean nothing, whatever happens between.
        for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            each.unlink(missing_ok=True)
        shutil.rmtree(_index_folder(path), ignore_errors=True)


def _index_folder(path: Path) -> Path:
    return path.with_suffix(_INDEX_SUFFIX)


def _folder_name(workspace_id: WorkspaceId) -> str:
    if not _SAFE_ID.fullmatch(workspace_id):
        raise ChangesRefused("a workspace id that can't be a folder's name")
    return workspace_id
