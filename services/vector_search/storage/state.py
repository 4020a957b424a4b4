"""What a workspace's file says of itself."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.errors import StoreDamaged
from services.vector_search.domain.ports import StoreInfo
from services.vector_search.storage.damage import sqlite_errors_named
from services.vector_search.storage.schema import APPLICATION_ID, FORMAT_VERSION, checksum

# How long a connection waits for another one's lock.
BUSY_MS = 5000


@dataclass(frozen=True)
class State:
    """The file's only row about itself."""

    info: StoreInfo
    # Number of passages that live.
    chunks: int
    # Rows of passages and documents that were buried since the file was last packed.
    buried: int = 0


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with this project's settings; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cell_size_check = ON")
    # What is deleted is overwritten, and nothing of it goes to temporary files.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def state_of(path: Path) -> State:
    """Read a file's state. Raises StoreDamaged where that can't be done, or it is of another format."""
    if not path.is_file():
        raise StoreDamaged("the file is missing")
    with sqlite_errors_named():
        connection = connect(path)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if (application, version) != (APPLICATION_ID, FORMAT_VERSION):
                raise StoreDamaged(f"it is of another format ({application}, {version})")
            row = connection.execute(
                "SELECT workspace_id, generation, file_id, model, dimensions, revision, complete, "
                "erased_revision, chunks, buried, checksum FROM state"
            ).fetchone()
        finally:
            connection.close()
    if row is None or checksum(*row[:-1]) != row[-1]:
        raise StoreDamaged("its state does not fit its checksum")
    workspace_id, generation, file_id, model, dimensions, revision, complete, erased, chunks, buried, _ = row
    info = StoreInfo(
        workspace_id=WorkspaceId(workspace_id),
        generation=generation,
        file_id=file_id,
        model=EmbeddingModel(model, dimensions),
        revision=revision,
        complete=bool(complete),
        erased_revision=erased,
    )
    return State(info, chunks, buried)


def write_state(connection: sqlite3.Connection, state: State) -> None:
    """Write the state, within the caller's transaction."""
    info = state.info
    fields = (
        info.workspace_id,
        info.generation,
        info.file_id,
        info.model.name,
        info.model.dimensions,
        info.revision,
        int(info.complete),
        info.erased_revision,
        state.chunks,
        state.buried,
    )
    connection.execute(
        "INSERT OR REPLACE INTO state (id, workspace_id, generation, file_id, model, dimensions, revision, "
        "complete, erased_revision, chunks, buried, checksum) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*fields, checksum(*fields)),
    )
