"""The folder of a replica."""

from pathlib import Path

import pytest

from services.kernel.ids import WorkspaceId
from services.vector_search.domain.changes import EmbeddingModel
from services.vector_search.domain.errors import ChangesRefused, StoreDamaged
from services.vector_search.storage.data_directory import DataDirectory, DataDirectoryInUse
from tests.fakes.vector_search_data import ACME, GLOBEX

MODEL = EmbeddingModel("fake-model", 8)


def test_keeps_its_id_over_restarts(tmp_path: Path) -> None:
    """The feed knows a replica by its id."""
    first = DataDirectory(tmp_path)
    name = first.replica_id()
    first.release()
    assert DataDirectory(tmp_path).replica_id() == name


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    """A second process is refused while the first one lives."""
    first = DataDirectory(tmp_path)
    with pytest.raises(DataDirectoryInUse):
        DataDirectory(tmp_path)
    first.release()
    DataDirectory(tmp_path)


def test_finds_its_files_and_drops_damaged_ones(tmp_path: Path) -> None:
    """After a start, what can be read is there and what can't is gone."""
    directory = DataDirectory(tmp_path)
    kept = directory.create(ACME, 1, MODEL)
    lost = directory.create(GLOBEX, 1, MODEL)
    kept.close()
    lost.close()
    (path,) = (tmp_path / "workspaces" / GLOBEX).glob("*.sqlite")
    path.write_bytes(b"not a database" * 500)
    assert directory.existing() == [kept.info]
    assert list((tmp_path / "workspaces" / GLOBEX).iterdir()) == []


def test_an_index_goes_with_its_file(tmp_path: Path) -> None:
    """Deleting a file, or a crash in the middle of that, leaves no index behind."""
    directory = DataDirectory(tmp_path)
    kept, deleted, lost = (directory.create(ACME, generation, MODEL) for generation in (1, 2, 3))
    for store in (kept, deleted, lost):
        store.close()
        directory.index_cache(store.info).new_words()
    directory.delete(deleted.info)
    assert len(list((tmp_path / "workspaces" / ACME).glob("*.index"))) == 2
    (tmp_path / "workspaces" / ACME / f"3-{lost.info.file_id}.sqlite").unlink()
    assert directory.existing() == [kept.info]
    (index,) = (tmp_path / "workspaces" / ACME).glob("*.index")
    assert index.name == f"1-{kept.info.file_id}.index"


def test_a_file_in_another_workspace_s_place_is_dropped(tmp_path: Path) -> None:
    """A file that was copied to the wrong folder serves nobody."""
    directory = DataDirectory(tmp_path)
    directory.create(ACME, 1, MODEL).close()
    (tmp_path / "workspaces" / ACME).rename(tmp_path / "workspaces" / GLOBEX)
    assert directory.existing() == []


def test_opening_a_deleted_file_says_so(tmp_path: Path) -> None:
    """A file that is gone is as good as damaged."""
    directory = DataDirectory(tmp_path)
    store = directory.create(ACME, 1, MODEL)
    store.close()
    directory.delete(store.info)
    with pytest.raises(StoreDamaged):
        directory.open(store.info)


@pytest.mark.parametrize("name", ["../etc", "a/b", "", ".", "ws acme", "x" * 65])
def test_ids_that_are_no_folder_names_are_refused(tmp_path: Path, name: str) -> None:
    """No workspace id leads out of the folder."""
    with pytest.raises(ChangesRefused):
        DataDirectory(tmp_path).create(WorkspaceId(name), 1, MODEL)
