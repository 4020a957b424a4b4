"""The bundled model, built once for all tests of this folder."""

from pathlib import Path

import pytest

from services.embedding.bundled.embedder import BundledEmbedder
from services.embedding.export.folder import export


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the model as `make install` builds it."""
    folder = tmp_path_factory.mktemp("models") / "bundled"
    export(folder)
    return folder


@pytest.fixture(scope="session")
def bundled(model_folder: Path) -> BundledEmbedder:
    """Return the loaded model."""
    return BundledEmbedder(model_folder, threads=2)
