from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.data_directory import DataDirectory, DataDirectoryInUse, read_json, write_json
from services.kernel.ids import WorkspaceId
from services.runtime.seal import Seal

TAKE = (
    "import sys, pathlib; from deploy.local.data_directory import DataDirectory; "
    "DataDirectory(pathlib.Path(sys.argv[1])).lock()"
)


def test_two_supervisors_never_share_a_folder(tmp_path: Path) -> None:
    """The folder of a running supervisor is refused to another process, and free again when it ends."""
    held = DataDirectory(tmp_path)
    held.lock()
    with pytest.raises(DataDirectoryInUse, match="Another supervisor"):
        DataDirectory(tmp_path).lock()
    command = [sys.executable, "-c", TAKE, str(tmp_path)]
    assert b"DataDirectoryInUse" in subprocess.run(command, capture_output=True, check=False).stderr
    other = tmp_path / "other"
    assert subprocess.run([*command[:-1], str(other)], check=False).returncode == 0
    DataDirectory(other).lock()


def test_credential_is_made_once_and_private(tmp_path: Path) -> None:
    """The internal credential has 256 bits, stays the same and is for its owner only."""
    data = DataDirectory(tmp_path / "data")
    credential = data.internal_credential()
    assert len(credential) >= 43
    assert DataDirectory(tmp_path / "data").internal_credential() == credential
    assert (data.root / "internal.credential").stat().st_mode & 0o777 == 0o600


def test_key_for_secrets_is_made_once_and_private(tmp_path: Path) -> None:
    """The query service takes it as it is, also with a newer one before it."""
    data = DataDirectory(tmp_path / "data")
    key = data.query_secrets_key()
    sealed = Seal(key).closed(WorkspaceId("ws_a"), "k", "s")
    file = data.root / "query_secrets.key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(f"{'A' * 43},{key}\n")
    assert (
        Seal(DataDirectory(tmp_path / "data").query_secrets_key()).opened(WorkspaceId("ws_a"), "k", sealed)
        == "s"
    )
    assert data.query_secrets_key() != data.internal_credential()


def test_json_is_written_whole(tmp_path: Path) -> None:
    """A written value is read back, nothing else is left, and a damaged file counts as none."""
    path = tmp_path / "state.json"
    write_json(path, {"a": 1})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
    path.write_text("{")
    assert read_json(path) is None
    assert read_json(tmp_path / "none.json") is None


def test_everything_below_is_private(tmp_path: Path) -> None:
    """In a folder that others may enter, what the installation keeps is for its owner only."""
    tmp_path.chmod(0o755)
    data = DataDirectory(tmp_path)
    folders = [data.logs, data.databases, data.envoy, data.vector_search, data.valkey]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
