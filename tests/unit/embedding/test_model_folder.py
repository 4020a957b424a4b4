"""The folder of the bundled model: built once, whole or not at all, checked before use."""

from pathlib import Path
from shutil import copytree

import pytest

from services.embedding import build
from services.embedding.bundled.artefact import GRAPH, TOKENIZER, ModelDamaged, read_manifest
from services.embedding.bundled.embedder import BundledEmbedder
from services.embedding.export.folder import export
from services.embedding.export.weights import Weights, WeightsMissing


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the model that a test may spoil."""
    return copytree(model_folder, tmp_path / "models" / "copy")


def test_second_build_does_nothing(copy: Path) -> None:
    """A model that is there and whole is not built again."""
    before = (copy / GRAPH).stat().st_mtime_ns
    assert export(copy) is False
    assert (copy / GRAPH).stat().st_mtime_ns == before


def test_build_is_reproducible(model_folder: Path, tmp_path: Path) -> None:
    """The same weights give the same bytes."""
    assert export(tmp_path / "again") is True
    assert read_manifest(tmp_path / "again") == read_manifest(model_folder)


@pytest.mark.parametrize("name", [GRAPH, TOKENIZER])
def test_damaged_file_is_noticed_and_mended(copy: Path, name: str) -> None:
    """A flipped byte stops the process that loads the model; the next build replaces the folder."""
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelDamaged, match=name):
        BundledEmbedder(copy, threads=1)
    assert export(copy) is True
    read_manifest(copy)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("manifest", [None, "", "{}", "[]", '{"model": "x"}'])
def test_half_written_folder_is_no_model(copy: Path, manifest: str | None) -> None:
    """Without a complete manifest there is no model, whatever else is in the folder."""
    if manifest is None:
        (copy / "manifest.json").unlink()
    else:
        (copy / "manifest.json").write_text(manifest)
    with pytest.raises(ModelDamaged):
        read_manifest(copy)


def test_missing_folder_is_no_model(tmp_path: Path) -> None:
    """The error names the folder."""
    with pytest.raises(ModelDamaged, match="nowhere"):
        BundledEmbedder(tmp_path / "nowhere", threads=1)


def test_unknown_weights_are_refused(tmp_path: Path) -> None:
    """Only the weights that the project was tested with are used."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsMissing, match="not the expected file"):
        Weights(tmp_path)


def test_command(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what it did."""
    assert build.main(["--out", str(copy)]) == 0
    assert capsys.readouterr().out.endswith("copy: is up to date\n")
